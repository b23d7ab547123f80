"""Watchers of recordings that people have edited, or summarized again, after the end of the work."""

import json
from typing import Any

import pytest

from shared.dialects.saled.events import PHRASING, current, message
from shared.domain import events as kinds
from shared.domain.recordings import Recording
from shared.domain.tasks import Failed, ReportBody, Summarizing
from shared.services import attempts, broadcast, jobs, live
from shared.services.outbox import recordings_updated
from tests.support.fakes import MemoryConnections
from tests.support.world import ATTEMPT, World, completed


def edit(world: World, recording: Recording) -> None:
    with world.db.begin() as tx:
        recordings_updated(world.core, tx, world.ann.user_id, {recording.id: "x"}, ["title"])


@pytest.fixture
def edited(world: World) -> Recording:
    """A finished recording whose log goes on behind the end."""
    recording, task = world.launched()
    world.report(task, *ATTEMPT)
    edit(world, recording)
    edit(world, recording)
    return world.recording(recording)


class Listening(MemoryConnections):
    """Keeps what was said to those who are closed."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.heard: dict[str, list[dict[str, Any]]] = {name: [] for name in names}

    def send(self, messages: Any) -> Any:
        for name, texts in messages.items():
            self.heard[name] += map(json.loads, texts)
        return super().send(messages)


def told(world: World, recording: Recording, after: int | None) -> tuple[list[dict[str, Any]], list[str]]:
    gateway = Listening("one")
    broadcast.connect(world.core, world.ann, "one", recording.uuid, dialect="saled", after=after)
    assert broadcast.broadcast(world.core, gateway, {"saled": PHRASING}, recording.id)
    assert world.count("connections") == 0
    return gateway.heard["one"], gateway.closed


@pytest.mark.parametrize("ahead", [-2, -1, 0, 100])
def test_who_has_seen_all_of_an_edited_recording_hears_the_end_once(
    world: World, edited: Recording, ahead: int
) -> None:
    messages, closed = told(world, edited, edited.last_seq + ahead)
    assert [(each["status"], each["seq"]) for each in messages] == [("completed", edited.last_seq - 2)]
    assert closed == ["one"]


def test_who_comes_late_hears_the_story_up_to_its_end(world: World, edited: Recording) -> None:
    messages, closed = told(world, edited, None)
    assert (messages[-1]["status"], messages[-1]["seq"]) == ("completed", edited.last_seq - 2)
    assert [each["type"] for each in messages].count("segment") == 4
    assert closed == ["one"]


def test_an_edit_in_the_same_moment_as_the_end_leaves_no_connection_open(world: World) -> None:
    from sqlalchemy import event

    recording, task = world.launched()
    world.report(task, *ATTEMPT[:-1])
    gateway = Listening("one")
    broadcast.connect(world.core, world.ann, "one", recording.uuid, dialect="saled", after=None)
    ended: list[bool] = []

    def end(*said: Any) -> None:
        # The broadcast has read the state of the job, and not yet the log.
        if "FROM events" in said[2] and not ended:
            ended.append(True)
            world.report(task, ATTEMPT[-1], first=len(ATTEMPT) - 1)
            edit(world, recording)

    event.listen(world.db.engine, "before_cursor_execute", end)
    assert broadcast.broadcast(world.core, gateway, {"saled": PHRASING}, recording.id)
    assert gateway.heard["one"][-1]["status"] == "completed"
    assert (gateway.closed, world.count("connections")) == (["one"], 0)


def test_the_server_tells_them_where_the_story_ended(world: World, edited: Recording) -> None:
    news = live.news(world.core, edited.id, edited.last_seq)
    assert news.recording is not None
    assert (news.events, news.at_work, news.final_seq) == ([], False, edited.last_seq - 2)
    assert current(news.recording, news.progress, news.final_seq)["seq"] == edited.last_seq - 2


def summarize(world: World, recording: Recording, *bodies: ReportBody) -> list[dict[str, Any] | None]:
    """What the log of a new summary says in SaLED's words."""
    before = world.recording(recording).last_seq
    jobs.submit_summary(world.core, world.ann, recording.id, None)
    attempts.launch_due(world.core)
    assert live.watch(world.core, world.ann, recording.uuid).at_work
    world.report(world.launcher.tasks[-1], *bodies)
    return [message(event) for event in live.news(world.core, recording.id, before).events]


def test_another_summary_is_processing_and_then_completed(world: World, edited: Recording) -> None:
    messages = summarize(world, edited, Summarizing(), completed())
    assert [each and each["status"] for each in messages] == ["processing"] * 3 + ["completed"]


def test_a_summary_that_fails_leaves_a_completed_recording(world: World, edited: Recording) -> None:
    (*_, last) = summarize(world, edited, Summarizing(), Failed("The model is away."))
    assert last is not None
    assert (last["status"], last["message"]) == ("completed", "No new summary: The model is away.")


def test_who_comes_after_another_summary_hears_the_transcript_all_the_same(world: World, edited: Recording) -> None:
    summarize(world, edited, Summarizing(), completed())
    messages, closed = told(world, edited, None)
    assert [each["type"] for each in messages].count("segment") == 4
    assert messages[-1]["message"] == "Summary completed"
    assert closed == ["one"]


def test_edits_have_no_words_in_saled(world: World, edited: Recording) -> None:
    events = live.news(world.core, edited.id, edited.last_seq - 2).events
    assert [event.kind for event in events] == [kinds.RECORDING_UPDATED] * 2
    assert [message(event) for event in events] == [None, None]
