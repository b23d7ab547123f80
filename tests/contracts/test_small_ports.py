"""What every TaskTokens, Kicks and LiveUpdates does."""

import time
from collections.abc import Iterator

import pytest

from shared.adapters.local_kicks import LocalKicks
from shared.adapters.local_live import LocalLiveUpdates
from shared.adapters.task_tokens import JwtTaskTokens
from shared.domain.errors import Unauthenticated
from shared.ports import Kicks, LiveUpdates, TaskTokens
from tests.support.fakes import MemoryKicks, MemoryLive, MemoryTokens


@pytest.fixture(params=[lambda: JwtTaskTokens("a secret"), MemoryTokens], ids=["jwt", "memory"])
def tokens(request: pytest.FixtureRequest) -> TaskTokens:
    return request.param()


def test_a_token_is_good_for_its_job(tokens: TaskTokens) -> None:
    tokens.verify(tokens.issue(7, seconds=60), 7)


def test_a_token_is_no_good_for_another_job(tokens: TaskTokens) -> None:
    token = tokens.issue(7, seconds=60)
    for other in (8, 77, -7, 0):
        with pytest.raises(Unauthenticated):
            tokens.verify(token, other)


def test_a_token_that_has_run_out_is_no_good(tokens: TaskTokens) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(tokens.issue(7, seconds=-1), 7)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.ü.ß", "null", "{}", "e30.e30.e30", "[" * 30_000])
def test_what_is_no_token_is_refused(tokens: TaskTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(token, 7)


@pytest.fixture(params=["local", "memory"])
def kicks(request: pytest.FixtureRequest) -> Iterator[Kicks]:
    if request.param == "memory":
        yield MemoryKicks()
        return
    local = LocalKicks()
    local.start(lambda: None)
    yield local
    local.stop()


def test_kicking_never_waits(kicks: Kicks) -> None:
    began = time.monotonic()
    for _ in range(1000):
        kicks.kick()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("live", [LocalLiveUpdates(), MemoryLive()], ids=["local", "memory"])
def test_a_change_that_nobody_watches_is_fine(live: LiveUpdates) -> None:
    live.changed(1)
    live.changed(*range(25))
    live.changed()
