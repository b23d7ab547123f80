"""What a worker makes of a transcript, fresh or stored, and what it does when a model is away."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.gpu import pipeline
from functions.gpu.pipeline import Engines
from functions.gpu.summarize import ModelReader, Reader, RuleReader
from functions.gpu.workers import Step, Work
from shared.adapters.memory_reports import MemoryReports
from shared.domain.tasks import ReportBody, SegmentsReady, TranscribeOptions, TranscribeTask, TranscriptPage
from shared.domain.transcripts import Segment, Slice, SliceResult, Word
from tests.support.media import silence, wav
from tests.support.scripted_model import ScriptedModel

SAID = "Let's meet on Friday at ten to talk about the budget of the new house."
SUMMARY = json.dumps({"title": "Budget", "summary": "They talk."})
EVENTS = json.dumps({"events": [{"title": "Budget", "start": "2026-03-06T10:00:00"}]})
RECORDED = "2026-03-02T14:00:00+00:00"


class Heard:
    """A Transcriber that has heard one sentence."""

    name, slice_seconds = "test", 600.0

    def transcribe(self, source: str, part: Slice, options: TranscribeOptions, heard: Callable[[float], None]) -> Any:
        raise AssertionError("workers do that")

    def warnings(self, results: Any, options: TranscribeOptions) -> tuple[str, ...]:
        return ("Words are guesses.",)

    def work(self, work: Work) -> Iterator[Step]:
        yield SliceResult(0, tuple(Word(word, i * 0.1, i * 0.1 + 0.1, 1.0) for i, word in enumerate(SAID.split())), 1.0)


class Kept(MemoryReports):
    """Also keeps the kinds of all reports; `stored` is the transcript of the recording."""

    def __init__(self, stored: TranscriptPage | None = None) -> None:
        super().__init__()
        self.kinds: list[str] = []
        self.stored = stored

    def send(self, body: ReportBody) -> None:
        self.kinds.append(body.kind)
        super().send(body)

    def transcript(self) -> TranscriptPage:
        return self.stored or super().transcript()


def refuse(_: TranscribeOptions) -> Any:
    raise AssertionError("a summary needs no speech engine")


@pytest.fixture
def transcribe(tmp_path: Any) -> Callable[..., Kept]:
    sound = str(wav(tmp_path / "a.wav", silence(5.0)))

    def run(reader: Reader, **options: Any) -> Kept:
        reports, heard = Kept(), Heard()
        task = TranscribeTask(1, 1, sound, "", "", TranscribeOptions(diarize=False, **options), recorded_at=RECORDED)
        pipeline.run(task, reports, Engines(lambda _: (heard, heard), reader, 1))  # type: ignore[arg-type]
        return reports

    return run


def summarize(reader: Reader, page: TranscriptPage, **options: Any) -> Kept:
    reports = Kept(page)
    task = TranscribeTask(1, 1, "", "", "", TranscribeOptions(**options), kind="summarize", recorded_at=RECORDED)
    pipeline.run(task, reports, Engines(refuse, reader, 1))
    return reports


PAGE = TranscriptPage((Segment(0, 0.0, 5.0, SAID, 0),), {0: "Ruth"}, "en")


def test_without_a_model_rules_find_summary_and_appointments(transcribe: Callable[..., Kept]) -> None:
    done = transcribe(RuleReader(), extract_events=True).completed
    assert done is not None and done.summary is not None
    assert done.summary.model == "extractive"
    assert [event.start.isoformat() for event in done.events or ()] == ["2026-03-06T10:00:00+00:00"]
    assert (done.tokens, done.warnings, done.summary_error) == (0, ("Words are guesses.",), None)


def test_a_prompt_that_rules_cannot_follow_is_said_once(transcribe: Callable[..., Kept]) -> None:
    done = transcribe(RuleReader(), summary_prompt="In verse.").completed
    assert done is not None
    assert [warning for warning in done.warnings if warning.startswith("The summary leaves its prompt out")] != []
    assert len(done.warnings) == 2
    done = transcribe(ModelReader(ScriptedModel(SUMMARY)), summary_prompt="In verse.").completed
    assert done is not None
    assert done.warnings == ("Words are guesses.",)


def test_a_model_writes_the_summary_and_finds_the_appointments(transcribe: Callable[..., Kept]) -> None:
    model = ScriptedModel(SUMMARY, EVENTS, tokens=50)
    done = transcribe(ModelReader(model), extract_events=True, output_language="de").completed
    assert done is not None and done.summary is not None
    assert (done.summary.title, len(done.events or ()), done.tokens) == ("Budget", 1, 100)
    assert "Write in German" in model.asked[0][0]["content"]


@pytest.mark.parametrize(("options", "asked"), [({}, 1), ({"extract_events": True}, 2), ({"summarize": False}, 0)])
def test_only_what_is_wanted_is_asked_for(transcribe: Callable[..., Kept], options: dict[str, Any], asked: int) -> None:
    model = ScriptedModel(SUMMARY, EVENTS)
    reports = transcribe(ModelReader(model), **options)
    assert len(model.asked) == asked
    assert ("summarizing" in reports.kinds) is (asked > 0)


def test_a_model_that_is_away_costs_the_summary_and_not_the_transcript(transcribe: Callable[..., Kept]) -> None:
    reports = transcribe(ModelReader(ScriptedModel(None)), extract_events=True)
    done = reports.completed
    assert done is not None
    assert (done.summary, done.events, done.summary_error) == (None, None, "The language model is away.")
    assert done.warnings == (
        "Words are guesses.",
        "The summary could not be written: The language model is away.",
        "Appointments could not be looked for: The language model is away.",
    )
    assert reports.segments != []


def test_a_stored_transcript_is_summarized_without_audio_or_engine() -> None:
    model = ScriptedModel(SUMMARY, tokens=50)
    reports = summarize(ModelReader(model), PAGE, summary_prompt="In verse.")
    assert reports.kinds == ["summarizing", "completed"]
    done = reports.completed
    assert done is not None and done.summary is not None
    assert (done.summary.title, done.language, done.tokens, done.warnings) == ("Budget", "en", 50, ())
    system, user = model.asked[0]
    assert "In verse." in system["content"]
    assert "Ruth: Let's meet" in user["content"]


def test_rules_summarize_a_stored_transcript_too() -> None:
    done = summarize(RuleReader(), PAGE, summary_prompt="In verse.").completed
    assert done is not None and done.summary is not None
    assert done.summary.model == "extractive"
    assert len(done.warnings) == 1


def test_a_summary_that_cannot_be_written_is_tried_again() -> None:
    failed = summarize(ModelReader(ScriptedModel(None)), PAGE).failed
    assert failed is not None
    assert (failed.reason, failed.retry) == ("The language model is away.", True)


def test_times_without_a_zone_are_utc(transcribe: Callable[..., Kept]) -> None:
    task = TranscribeTask(1, 1, "", "", "", kind="summarize", recorded_at="2026-03-02T14:00:00")
    reports = Kept(PAGE)
    pipeline.run(task, reports, Engines(refuse, RuleReader(), 1))
    assert reports.completed is not None
    reports = Kept(SegmentsReady(()) and TranscriptPage(()))
    pipeline.run(replace(task, recorded_at=None), reports, Engines(refuse, RuleReader(), 1))
    assert reports.completed is not None
