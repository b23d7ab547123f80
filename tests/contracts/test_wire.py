"""The task/report protocol: what goes in at one end comes out at the other."""

import json
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import wire
from shared.domain.calendar import CalendarEvent
from shared.domain.errors import Invalid
from shared.domain.jobs import JobState
from shared.domain.tasks import (
    PROTOCOL_VERSION,
    Beginning,
    Completed,
    Diarized,
    Failed,
    Progress,
    Report,
    SegmentsReady,
    SliceDone,
    Started,
    Summarizing,
    TranscribeOptions,
    TranscribeTask,
    TranscriptPage,
)
from shared.domain.transcripts import Diarization, Segment, SliceResult, Summary, Turn, Word

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SECONDS = st.floats(0, 1e6, allow_nan=False)
WORDS = st.lists(st.builds(Word, TEXT, SECONDS, SECONDS, st.none() | st.floats(0, 1)), max_size=3).map(tuple)
SLICES = st.builds(SliceResult, st.integers(0, 1000), WORDS, SECONDS, st.none() | TEXT)
TURNS = st.lists(st.builds(Turn, SECONDS, SECONDS, st.integers(0, 20)), max_size=3).map(tuple)
VOICES = st.lists(st.lists(st.floats(-1, 1), max_size=3).map(tuple), max_size=2).map(tuple)
DIARIZATIONS = st.builds(Diarization, TURNS, TEXT, VOICES, TEXT)
SEGMENTS = st.builds(Segment, st.integers(0, 10**6), SECONDS, SECONDS, TEXT, st.none() | st.integers(0, 20), WORDS)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
SUMMARIES = st.builds(Summary, TEXT, TEXT, TEXTS, st.just(()), st.just(()), TEXT)
MAYBE = st.none() | TEXT
MOMENTS = st.datetimes(timezones=st.just(UTC))
EVENTS = st.builds(
    CalendarEvent, TEXT, MOMENTS, st.none() | MOMENTS, MAYBE, MAYBE, TEXTS, st.none() | st.integers(0, 99)
)
COMPLETED = st.builds(
    Completed,
    st.none() | TEXT,
    st.none() | SUMMARIES,
    SECONDS,
    SECONDS,
    TEXTS,
    MAYBE,
    st.lists(EVENTS, max_size=2).map(tuple),
    st.integers(0, 10**6),
)
BODIES = st.one_of(
    st.builds(Started, SECONDS, st.lists(SECONDS, max_size=4).map(tuple), TEXT),
    st.builds(Progress, st.sampled_from(["transcribing", "diarizing", "summarizing"]), st.floats(0, 1)),
    st.builds(SliceDone, SLICES),
    st.builds(Diarized, DIARIZATIONS),
    st.builds(SegmentsReady, st.lists(SEGMENTS, max_size=3).map(tuple)),
    st.just(Summarizing()),
    COMPLETED,
    st.builds(Failed, TEXT, st.booleans()),
)
REPORTS = st.builds(Report, st.integers(1, 2**62), st.integers(1, 1000), st.integers(0, 10**6), BODIES)
OPTIONS = st.builds(TranscribeOptions, MAYBE, st.none() | st.integers(1, 50), engine=MAYBE, hotwords=MAYBE)
TASKS = st.builds(
    TranscribeTask,
    st.integers(1, 2**62),
    st.integers(1, 1000),
    TEXT,
    TEXT,
    TEXT,
    OPTIONS,
    kind=st.sampled_from(["transcribe", "summarize"]),
    recorded_at=MAYBE,
)
PAGES = st.builds(
    TranscriptPage,
    st.lists(SEGMENTS, max_size=3).map(tuple),
    st.dictionaries(st.integers(0, 20), TEXT, max_size=3),
    MAYBE,
    st.booleans(),
)
BEGINNINGS = st.builds(Beginning, st.integers(1, 1000), TEXT)


@settings(max_examples=100, deadline=None)
@given(REPORTS)
def test_a_report_comes_out_as_it_went_in(report: Report) -> None:
    assert wire.report_from_json(wire.report_to_json(report)) == report


@settings(max_examples=50, deadline=None)
@given(TASKS)
def test_a_task_comes_out_as_it_went_in_on_one_line(task: TranscribeTask) -> None:
    sent = wire.task_to_json(task)
    assert b"\n" not in sent, "a worker reads one line"
    assert wire.task_from_json(sent) == task


@settings(max_examples=50, deadline=None)
@given(SLICES, DIARIZATIONS)
def test_what_earlier_attempts_did_comes_out_as_it_went_in(part: SliceResult, found: Diarization) -> None:
    state = JobState(go_on=True, attempt=3, seams=(0.0, 1.5), done=(0, 2), diarization=found)
    assert wire.slice_from_json(wire.slice_to_json(part)) == part
    assert wire.state_from_json(wire.state_to_json(state)) == state


@settings(max_examples=20, deadline=None)
@given(BEGINNINGS)
def test_a_beginning_comes_out_as_it_went_in(beginning: Beginning) -> None:
    assert wire.beginning_from_json(wire.beginning_to_json(beginning)) == beginning


@settings(max_examples=20, deadline=None)
@given(PAGES)
def test_a_page_of_a_transcript_comes_out_as_it_went_in(page: TranscriptPage) -> None:
    assert wire.page_from_json(wire.page_to_json(page)) == page


def test_what_an_older_worker_sends_and_gets_is_still_understood() -> None:
    """The messages of the first version: without what has come since."""
    task = json.loads(wire.task_to_json(TranscribeTask(1, 1, "a", "b", "c")))
    assert task["version"] == 1
    del task["kind"], task["recorded_at"], task["options"]["extract_events"]
    assert wire.task_from_json(json.dumps(task)) == TranscribeTask(1, 1, "a", "b", "c")
    body = {"kind": "completed", "language": None, "summary": None, "transcription_seconds": 1.0, "warnings": []}
    report = wire.report_from_json(json.dumps({"job_id": 1, "attempt": 1, "seq": 0, "body": body}))
    assert report.body == Completed(None, None, 1.0)


def test_a_task_of_a_later_protocol_is_refused_and_says_so() -> None:
    later = replace(TranscribeTask(1, 1, "", "", ""), version=PROTOCOL_VERSION + 1)
    with pytest.raises(Invalid, match=f"speaks protocol {PROTOCOL_VERSION + 1}"):
        wire.task_from_json(wire.task_to_json(later))


def test_what_an_older_side_does_not_know_is_passed_over() -> None:
    known = wire.task_to_json(TranscribeTask(1, 1, "a", "b", "c"))
    assert wire.task_from_json(known[:-1] + b',"later": {"x": 1}}') == wire.task_from_json(known)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"job_id": "x"}', b"[" * 100_000])
def test_what_is_not_of_the_protocol_is_refused(data: bytes) -> None:
    readers = (
        wire.task_from_json,
        wire.beginning_from_json,
        wire.report_from_json,
        wire.state_from_json,
        wire.slice_from_json,
        wire.page_from_json,
    )
    for read in readers:
        with pytest.raises(Invalid):
            read(data)


def test_a_report_of_a_kind_nobody_knows_is_refused() -> None:
    with pytest.raises(Invalid):
        wire.report_from_json(b'{"job_id": 1, "attempt": 1, "seq": 0, "body": {"kind": "dance"}}')
