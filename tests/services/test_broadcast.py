"""Watchers on API Gateway hear every event once and in order, whatever happens in the middle of a broadcast."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from shared.dialects.saled.events import PHRASING
from shared.domain.connections import MESSAGE_BYTES
from shared.domain.errors import Forbidden, NotFound, Unavailable
from shared.domain.recordings import Recording
from shared.domain.tasks import Progress
from shared.ports import Delivery
from shared.services import broadcast, recordings
from tests.support.fakes import MemoryConnections
from tests.support.world import ATTEMPT, STARTED, World, completed, segments, slice_done

PHRASINGS = {"saled": PHRASING}


@pytest.fixture
def gateway() -> MemoryConnections:
    return MemoryConnections("one", "two")


def connect(world: World, recording: Recording, name: str = "one", after: int | None = None) -> None:
    broadcast.connect(world.core, world.ann, name, recording.uuid, dialect="saled", after=after)


def tell(world: World, gateway: Any, recording: Recording) -> bool:
    return broadcast.broadcast(world.core, gateway, PHRASINGS, recording.id)


def heard(gateway: MemoryConnections, name: str = "one") -> list[dict[str, Any]]:
    return [json.loads(text) for text in gateway.messages[name]]


def numbers(gateway: MemoryConnections, name: str = "one") -> list[int]:
    return [message["seq"] for message in heard(gateway, name)]


def test_a_watcher_hears_the_whole_story_once_in_order_and_is_closed(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording)
    closed: list[int] = []
    for seq, body in enumerate(ATTEMPT):
        world.report(task, body, first=seq)
        world.clock.pass_by(1)
        before = numbers(gateway)
        assert tell(world, gateway, recording)
        closed = numbers(gateway) if "one" in gateway.messages else before
    assert closed == sorted(set(closed))
    assert (gateway.closed, world.count("connections")) == (["one"], 0)


def test_the_end_is_the_last_thing_heard(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, *ATTEMPT)
    kept = Keeping()
    assert tell(world, kept, recording)
    told = [json.loads(text) for text in kept.texts["one"]]
    assert [message["type"] for message in told].count("segment") == 4
    assert (told[-1]["status"], kept.closed) == ("completed", ["one"])


class Keeping:
    """Connections that take everything; `during` is called in the middle of a broadcast."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.closed: list[str] = []
        self.during = lambda: None

    def send(self, messages: Mapping[str, Sequence[str]]) -> Mapping[str, Delivery]:
        for name, texts in messages.items():
            self.texts.setdefault(name, []).extend(texts)
        self.during()
        return {name: Delivery(len(texts)) for name, texts in messages.items()}

    def close(self, connection_ids: Sequence[str]) -> None:
        self.closed += connection_ids


def test_of_progress_only_the_newest_is_told_and_not_too_often(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, STARTED)
    assert tell(world, gateway, recording)
    told = len(gateway.messages["one"])
    for seq, fraction in enumerate((0.1, 0.2, 0.3), 1):
        world.report(task, Progress("transcribing", fraction), first=seq)
        assert not tell(world, gateway, recording), "held back: it comes a little later"
    assert len(gateway.messages["one"]) == told
    world.clock.pass_by(0.5)
    assert tell(world, gateway, recording)
    assert [message["progress"] for message in heard(gateway)[told:]] == [30]


def test_what_is_final_is_told_at_once_and_in_full(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, STARTED)
    tell(world, gateway, recording)
    world.report(task, Progress("transcribing", 0.1), slice_done(0), segments(0, 1, 2), first=1)
    tell(world, gateway, recording)
    told = heard(gateway)
    assert [message.get("text") for message in told if message["type"] == "segment"] == ["Hello."] * 3
    assert numbers(gateway) == sorted(numbers(gateway))


def test_who_is_gone_is_forgotten_and_the_others_hear_on(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    for name in ("one", "left", "two"):
        connect(world, recording, name)
    world.clock.pass_by(11)
    world.report(task, STARTED)
    assert tell(world, gateway, recording)
    assert numbers(gateway, "one") == numbers(gateway, "two") != []
    assert [row.id for row in world.rows("SELECT id FROM connections ORDER BY id")] == ["one", "two"]


def test_a_connection_that_does_not_stand_yet_is_waited_for(world: World) -> None:
    recording, _ = world.launched()
    connect(world, recording, "late")
    gateway = MemoryConnections()
    assert not tell(world, gateway, recording)
    gateway.messages["late"] = []
    assert tell(world, gateway, recording)
    assert numbers(gateway, "late") == [2, 3]


def test_a_busy_connection_hears_the_rest_later_and_nothing_twice(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording, "one")
    connect(world, recording, "two")
    world.report(task, *ATTEMPT[:-1])
    gateway.room["one"] = 3
    assert not tell(world, gateway, recording)
    assert len(gateway.messages["one"]) == 3
    gateway.room["one"] = 100
    assert tell(world, gateway, recording)
    assert numbers(gateway, "one") == numbers(gateway, "two")


def test_what_is_written_in_the_middle_of_a_broadcast_is_told_by_it(world: World) -> None:
    recording, task = world.launched()
    connect(world, recording)
    gateway = Keeping()

    def write() -> None:
        gateway.during = lambda: None
        world.report(task, *ATTEMPT)
        # Whoever wrote it comes to tell it, finds the watcher taken, and goes away.
        assert tell(world, gateway, recording)

    gateway.during = write
    assert tell(world, gateway, recording)
    told = [json.loads(text)["seq"] for text in gateway.texts["one"]]
    assert told == sorted(set(told))
    assert told[-1] == world.recording(recording).last_seq


def test_many_broadcasts_at_once_tell_everything_once(world: World) -> None:
    recording, task = world.launched()
    for name in ("one", "two", "three"):
        connect(world, recording, name)
    gateway = Keeping()

    def report_and_tell() -> None:
        tell(world, gateway, recording)

    for seq, body in enumerate(ATTEMPT):
        world.report(task, body, first=seq)
        world.clock.pass_by(1)
        threads = [threading.Thread(target=report_and_tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    told = {name: [json.loads(text)["seq"] for text in texts] for name, texts in gateway.texts.items()}
    assert told["one"] == told["two"] == told["three"] == sorted(set(told["one"]))
    assert sorted(gateway.closed) == ["one", "three", "two"]


def test_watchers_of_a_deleted_recording_are_told_so(world: World) -> None:
    recording, _ = world.launched()
    connect(world, recording)
    recordings.delete(world.core, world.ann, recording.id)
    gateway = Keeping()
    assert tell(world, gateway, recording)
    assert json.loads(gateway.texts["one"][-1])["status"] == "not_found"
    assert (gateway.closed, world.count("connections")) == (["one"], 0)


def test_a_message_that_is_too_long_becomes_a_hint(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, STARTED, segments(0, text="é" * MESSAGE_BYTES))
    tell(world, gateway, recording)
    hint = heard(gateway)[-1]
    assert (hint["type"], hint["seq"]) == ("hint", world.recording(recording).last_seq)


def test_who_comes_back_hears_what_came_after(world: World, gateway: MemoryConnections) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT[:4])
    last = world.recording(recording).last_seq
    connect(world, recording, "one", after=last - 1)
    connect(world, recording, "two", after=10**9)
    assert tell(world, gateway, recording)
    assert (numbers(gateway, "one"), numbers(gateway, "two")) == ([last], [])


def test_who_comes_after_the_end_hears_it_and_is_closed(world: World) -> None:
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    connect(world, recording, "first time")
    connect(world, recording, "has seen all", after=world.recording(recording).last_seq)
    gateway = Keeping()
    assert tell(world, gateway, recording)
    ends = {name: json.loads(texts[-1])["status"] for name, texts in gateway.texts.items()}
    assert ends == {"first time": "completed", "has seen all": "completed"}
    assert len(gateway.texts["has seen all"]) == 1
    assert sorted(gateway.closed) == sorted(ends)


def test_connecting_twice_is_connecting_once(world: World) -> None:
    recording, _ = world.launched()
    connect(world, recording)
    connect(world, recording)
    assert world.count("connections") == 1
    broadcast.disconnect(world.core, "one")
    broadcast.disconnect(world.core, "one")
    assert world.count("connections") == 0


def test_strangers_do_not_watch(world: World) -> None:
    recording = world.upload()
    with pytest.raises(Forbidden):
        broadcast.connect(world.core, world.user("bob"), "x", recording.uuid, dialect="saled", after=None)
    with pytest.raises(NotFound):
        broadcast.connect(world.core, world.ann, "x", uuid4(), dialect="saled", after=None)
    assert world.count("connections") == 0


def test_the_sweep_forgets_old_connections_and_finds_lost_broadcasts(world: World) -> None:
    recording, quiet = world.upload(), world.upload()
    connect(world, recording, "one")
    connect(world, quiet, "two", after=world.recording(quiet).last_seq)
    world.live.changes.clear()
    broadcast.sweep(world.core)
    assert world.live.changes == [recording.id]
    world.clock.pass_by(2 * 3600 + 1)
    broadcast.sweep(world.core)
    assert world.count("connections") == 0


def test_a_database_that_goes_away_in_a_broadcast_loses_nothing(world: World) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, STARTED)
    gateway = Keeping()
    gateway.during = lambda: world.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with pytest.raises(Unavailable):
        tell(world, gateway, recording)
    gateway.during = lambda: None
    assert tell(world, gateway, recording)
    told = [json.loads(text)["seq"] for text in gateway.texts["one"]]
    # At least once: the client knows by `seq` what it has seen.
    assert set(told) == set(range(2, world.recording(recording).last_seq + 1))


def test_a_thousand_watchers_cost_a_handful_of_statements(world: World) -> None:
    from sqlalchemy import event

    recording, task = world.launched()
    for index in range(1000):
        connect(world, recording, f"watcher {index}")
    world.report(task, STARTED)
    statements: list[str] = []
    event.listen(world.db.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    gateway = Keeping()
    assert tell(world, gateway, recording)
    assert len(gateway.texts) == 1000
    assert len(statements) <= 12, statements


def test_the_limits_of_one_round_do_not_cut_a_long_story(world: World) -> None:
    recording, task = world.launched()
    connect(world, recording)
    world.report(task, STARTED)
    for batch in range(8):
        world.report(task, segments(*range(batch * 200, batch * 200 + 200)), first=1 + batch)
    world.report(task, completed(), first=9)
    gateway = Keeping()
    assert tell(world, gateway, recording)
    told = [json.loads(text)["seq"] for text in gateway.texts["one"]]
    assert told == sorted(set(told))
    assert sum(json.loads(text)["type"] == "segment" for text in gateway.texts["one"]) == 1600


def test_a_core_needs_no_watchers(world: World, gateway: MemoryConnections) -> None:
    assert broadcast.broadcast(replace(world.core), gateway, PHRASINGS, 10**9)


def test_an_end_that_comes_while_a_broadcast_begins_is_told_and_closes(world: World) -> None:
    """The broadcast has read the recording before the end was written, and the log after it."""
    from sqlalchemy import event

    recording, task = world.launched()
    connect(world, recording)
    world.report(task, *ATTEMPT[:-1])

    ended: list[bool] = []

    def end(*said: Any) -> None:
        if "FROM connections" in said[2] and not ended:
            ended.append(True)
            world.report(task, ATTEMPT[-1], first=len(ATTEMPT) - 1)

    event.listen(world.db.engine, "before_cursor_execute", end)
    gateway = Keeping()
    assert tell(world, gateway, recording)
    assert json.loads(gateway.texts["one"][-1])["status"] == "completed"
    assert (gateway.closed, world.count("connections")) == (["one"], 0)
