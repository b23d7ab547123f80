"""What every WebhookSender and WebhookKicks does."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.local_webhooks import LocalWebhooks
from shared.domain.errors import Invalid, Unavailable
from shared.ports import Response, WebhookKicks, WebhookSender
from tests.support.fakes import MemoryWebhookKicks, MemoryWebhookSender
from tests.support.receiver import Receiver


@dataclass
class Case:
    """`bodies` gives what has arrived at `url`; `away` ends the receiver; `refuse` gives a forbidden one."""

    sender: WebhookSender
    url: str
    bodies: Callable[[], list[bytes]]
    answer: Callable[[int], None]
    away: Callable[[], object]
    refuse: Callable[[], str]


@pytest.fixture(params=["http", "memory"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "memory":
        yield _memory()
        return
    with Receiver() as receiver:

        def answer(status: int) -> None:
            receiver.answer = lambda handler: handler.reply(status, b"said", Retry_After="7")

        yield Case(
            HttpWebhookSender("^127.0.0.1$"),
            receiver.url,
            lambda: [each.body for each in receiver.received],
            answer,
            receiver.close,
            lambda: receiver.url.replace("127.0.0.1", "127.0.0.2"),
        )


def _memory() -> Case:
    sender = MemoryWebhookSender()

    def refuse() -> str:
        sender.refused = "The host is not public."
        return "http://inside/"

    return Case(
        sender,
        "http://receiver.example/",
        lambda: [body for _, _, body in sender.sent],
        lambda status: sender.answers.append(Response(status, "said", 7.0)),
        lambda: sender.answers.append(Unavailable("No answer.")),
        refuse,
    )


@pytest.mark.parametrize("status", [200, 302, 410, 503])
def test_whatever_the_receiver_answers_is_told(case: Case, status: int) -> None:
    case.answer(status)
    case.sender.check(case.url, allow_http=True)
    assert case.sender.send(case.url, {"X": "1"}, b"body", allow_http=True) == Response(status, "said", 7.0)
    assert case.bodies() == [b"body"]


def test_no_answer_is_unavailable(case: Case) -> None:
    case.away()
    with pytest.raises(Unavailable):
        case.sender.send(case.url, {}, b"body", allow_http=True)


def test_an_address_that_must_not_be_called_is_not(case: Case) -> None:
    url = case.refuse()
    for act in (
        lambda: case.sender.check(url, allow_http=True),
        lambda: case.sender.send(url, {}, b"body", allow_http=True),
    ):
        with pytest.raises(Invalid):
            act()
    assert case.bodies() == []


@pytest.mark.parametrize("kicks", [LocalWebhooks(), MemoryWebhookKicks()], ids=["local", "memory"])
def test_kicking_never_waits(kicks: WebhookKicks) -> None:
    began = time.monotonic()
    for number in range(1000):
        kicks.kick([number])
    assert time.monotonic() - began < 1
