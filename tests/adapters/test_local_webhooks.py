"""Webhooks within one process: looked for at once, sent side by side, ended cleanly."""

import threading
import time
from collections.abc import Sequence

from shared.adapters.local_webhooks import LocalWebhooks
from shared.domain.errors import Unavailable
from tests.support.waiting import until


class Due:
    """Things to send; `sent` are those that were."""

    def __init__(self, *waiting: int) -> None:
        self.waiting = list(waiting)
        self.sent: list[int] = []
        self.asked: list[int] = []

    def claim(self, room: int) -> Sequence[int]:
        self.asked.append(room)
        taken, self.waiting = self.waiting[:room], self.waiting[room:]
        return taken


def test_a_kick_has_what_is_due_sent_at_once() -> None:
    due, webhooks = Due(), LocalWebhooks(interval=600)
    webhooks.start(due.claim, due.sent.append)
    until(lambda: due.asked)
    due.waiting = [1, 2]
    webhooks.kick([5])
    until(lambda: sorted(due.sent) == [1, 2])
    webhooks.stop()


def test_without_a_kick_it_looks_every_now_and_then_and_no_oftener() -> None:
    due, webhooks = Due(), LocalWebhooks(interval=0.05)
    webhooks.start(due.claim, due.sent.append)
    began = time.monotonic()
    until(lambda: len(due.asked) >= 4)
    assert time.monotonic() - began > 0.1
    webhooks.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("webhook")]


def test_no_more_are_taken_than_there_is_room_for() -> None:
    due, webhooks, go_on = Due(*range(10)), LocalWebhooks(interval=600, room=3), threading.Event()

    def send(number: int) -> None:
        go_on.wait(10)
        due.sent.append(number)

    webhooks.start(due.claim, send)
    until(lambda: len(due.waiting) == 7)
    webhooks.kick([1])
    time.sleep(0.1)
    assert (len(due.waiting), due.asked) == (7, [3])
    go_on.set()
    until(lambda: sorted(due.sent) == list(range(10)))
    webhooks.stop()


def test_what_fails_takes_no_room_away() -> None:
    due, webhooks = Due(*range(12)), LocalWebhooks(interval=600, room=2)

    def send(number: int) -> None:
        due.sent.append(number)
        raise Unavailable("gone") if number % 2 else ValueError("unexpected")

    webhooks.start(due.claim, send)
    until(lambda: sorted(due.sent) == list(range(12)))
    webhooks.stop()


def test_a_look_that_fails_is_followed_by_the_next() -> None:
    looks: list[int] = []

    def claim(room: int) -> Sequence[int]:
        looks.append(room)
        raise Unavailable("gone") if len(looks) % 2 else ValueError("unexpected")

    webhooks = LocalWebhooks(interval=0.01)
    webhooks.start(claim, looks.append)
    until(lambda: len(looks) >= 4)
    webhooks.stop()
    assert set(looks) == {64}


def test_stopping_waits_for_what_is_being_sent() -> None:
    due, webhooks = Due(1), LocalWebhooks()
    begun = threading.Event()

    def send(number: int) -> None:
        begun.set()
        time.sleep(0.2)
        due.sent.append(number)

    webhooks.start(due.claim, send)
    begun.wait(10)
    webhooks.stop()
    assert due.sent == [1]


def test_one_that_was_never_started_is_stopped_too() -> None:
    webhooks = LocalWebhooks()
    webhooks.kick([1])
    webhooks.stop()
