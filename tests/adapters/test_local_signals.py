"""Kicks and live updates within one process."""

import asyncio
import threading

from shared.adapters.local_kicks import LocalKicks
from shared.adapters.local_live import LocalLiveUpdates
from shared.domain.errors import Unavailable
from tests.support.waiting import until


def test_a_kick_is_followed_by_a_sweep_at_once() -> None:
    swept = threading.Semaphore(0)
    kicks = LocalKicks(interval=600)
    kicks.start(swept.release)
    assert swept.acquire(timeout=10), "once at the start"
    kicks.kick()
    assert swept.acquire(timeout=10)
    kicks.stop()


def test_a_kick_during_a_sweep_is_not_lost() -> None:
    rounds: list[int] = []
    kicks = LocalKicks(interval=600)

    def sweep() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            kicks.kick()

    kicks.start(sweep)
    until(lambda: len(rounds) == 2)
    kicks.stop()


def test_without_a_kick_it_is_looked_every_now_and_then() -> None:
    rounds: list[int] = []
    kicks = LocalKicks(interval=0.01)
    kicks.start(lambda: rounds.append(1))
    until(lambda: len(rounds) >= 3)
    kicks.stop()
    after = len(rounds)
    kicks.kick()
    assert len(rounds) == after, "it has stopped"


def test_a_sweep_that_fails_is_followed_by_the_next() -> None:
    rounds: list[int] = []

    def sweep() -> None:
        rounds.append(1)
        raise Unavailable("gone") if len(rounds) % 2 else ValueError("unexpected")

    kicks = LocalKicks(interval=0.01)
    kicks.start(sweep)
    until(lambda: len(rounds) >= 4)
    kicks.stop()


def test_what_comes_first_comes_before_each_sweep() -> None:
    told: list[str] = []
    kicks = LocalKicks(lambda: told.append("first"), interval=0.01)
    kicks.start(lambda: told.append("sweep"))
    until(lambda: len(told) >= 4)
    kicks.stop()
    assert told[:4] == ["first", "sweep", "first", "sweep"]


def test_a_change_wakes_those_who_watch_that_recording() -> None:
    live = LocalLiveUpdates()

    async def watch() -> tuple[bool, bool]:
        with live.watch(1) as one, live.watch(1) as another, live.watch(2) as other:
            threading.Thread(target=live.changed, args=(1,)).start()
            await asyncio.wait_for(asyncio.gather(one.wait(), another.wait()), 10)
            return one.is_set() and another.is_set(), other.is_set()

    assert asyncio.run(watch()) == (True, False)


def test_nothing_is_kept_of_those_who_have_gone() -> None:
    live = LocalLiveUpdates()

    async def watch() -> None:
        with live.watch(1):
            pass

    asyncio.run(watch())
    live.changed(1)
    assert not live._watchers


def test_a_watcher_whose_loop_has_ended_disturbs_nobody() -> None:
    live = LocalLiveUpdates()
    loop = asyncio.new_event_loop()

    async def enter() -> object:
        watching = live.watch(1)
        watching.__enter__()
        return watching

    kept = loop.run_until_complete(enter())
    loop.close()
    live.changed(1)
    assert kept is not None
