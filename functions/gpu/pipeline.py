"""One recording from audio to transcript and summary, told in reports; the same on a laptop and on Modal."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Protocol

from functions.gpu import audio, slices
from functions.gpu.assemble import Assembler
from functions.gpu.summarize import Reader, Wishes
from functions.gpu.summarize_extractive import NAME as EXTRACTIVE
from functions.gpu.transcribe import Transcriber
from functions.gpu.workers import Step, Work
from shared.domain.calendar import CalendarEvent
from shared.domain.errors import HansardError, Invalid, Unavailable
from shared.domain.tasks import (
    NO_SUMMARY,
    SUMMARY_WARNING,
    Checkpoint,
    Completed,
    Diarized,
    Failed,
    Progress,
    ReportBody,
    SegmentsReady,
    SliceDone,
    Started,
    Stopped,
    Summarizing,
    TranscribeOptions,
    TranscribeTask,
    TranscriptPage,
)
from shared.domain.transcripts import Diarization, Segment, Slice, SliceResult, Summary

logger = logging.getLogger("hansard.worker")

_SHORTEST_SLICE = 20.0
_SEGMENTS_PER_REPORT = 200


class Reports(Protocol):
    """Where a worker's reports go."""

    def checkpoint(self) -> Checkpoint:
        """What is finished already. Raises Stopped when the work is no longer wanted."""
        ...

    def transcript(self) -> TranscriptPage:
        """The stored transcript of the recording, in one piece. Raises Stopped and Unavailable."""
        ...

    def send(self, body: ReportBody) -> None:
        """Raises Stopped when the work is no longer wanted."""
        ...


class Workers(Protocol):
    """Where slices are transcribed and speakers told apart, side by side."""

    def work(self, work: Work) -> Iterator[Step]: ...


@dataclass(frozen=True, slots=True)
class Engines:
    """`workers_for(options)` may raise Invalid or Unavailable for an engine or model that cannot be had.

    `processes` is how many slices are worked on at once: a short recording is cut so that all have something to do.
    """

    workers_for: Callable[[TranscribeOptions], tuple[Transcriber, Workers]]
    reader: Reader
    processes: int


def run(task: TranscribeTask, reports: Reports, engines: Engines) -> None:
    """Does the task; every outcome is reported. Returns quietly when told to stop."""
    try:
        if task.kind == "summarize":
            _summarize_stored(task, reports, engines.reader)
        else:
            _run(task, reports, engines)
    except Stopped:
        logger.info("job %s: told to stop", task.job_id)
    except Unavailable as error:
        _fail(reports, str(error), retry=True)
    except HansardError as error:
        _fail(reports, str(error), retry=False)
    except MemoryError:
        _fail(reports, "The worker ran out of memory.", retry=True)
    except Exception as error:  # the outermost loop of a worker: the person has to be told
        logger.exception("job %s failed", task.job_id)
        _fail(reports, f"Unexpected error at work: {type(error).__name__}: {error}"[:500], retry=True)


def _fail(reports: Reports, reason: str, *, retry: bool) -> None:
    try:
        reports.send(Failed(reason, retry))
    except (Stopped, HansardError):
        logger.warning("could not report: %s", reason)


def _run(task: TranscribeTask, reports: Reports, engines: Engines) -> None:
    began = time.monotonic()
    options = task.options
    # First, so that the job is known to be at work while a model is fetched.
    checkpoint = reports.checkpoint()
    transcriber, workers = engines.workers_for(options)
    info = audio.probe(task.audio_url)
    seams = checkpoint.seams or plan(task.audio_url, info.duration, transcriber, options, engines.processes)
    reports.send(Started(info.duration, seams, transcriber.name))
    recognition = Recognition(task.audio_url, seams, options, checkpoint, reports)
    missing = [part.index for part in recognition.missing]
    logger.info("job %s: slices %s of %s", task.job_id, missing, len(seams) - 1)
    recognition.run(workers)
    results = recognition.results
    transcribed = time.monotonic()
    language = options.language or next((result.language for result in results if result.language), None)
    read = _read(task, recognition.segments, language, reports, engines.reader)
    reports.send(
        Completed(
            language=language,
            summary=read.summary,
            transcription_seconds=round(transcribed - began, 3),
            summarization_seconds=round(time.monotonic() - transcribed, 3),
            warnings=(*transcriber.warnings(results, options), *read.warnings),
            summary_error=read.error,
            events=read.events,
            tokens=read.tokens,
        )
    )


def plan(
    source: str, duration: float, transcriber: Transcriber, options: TranscribeOptions, processes: int
) -> tuple[float, ...]:
    """The seams of a new job: slices as long as the engine likes, but enough of them to keep every process busy."""
    wanted = options.slice_seconds or min(transcriber.slice_seconds, max(_SHORTEST_SLICE, duration / max(1, processes)))
    return slices.plan(source, duration, wanted)


class Recognition:
    """The part between plan and summary: finished steps come in any order, segments leave in order."""

    def __init__(
        self,
        source: str,
        seams: tuple[float, ...],
        options: TranscribeOptions,
        checkpoint: Checkpoint,
        reports: Reports,
    ) -> None:
        self._source = source
        self._options = options
        self._reports = reports
        self._all = [Slice(i, start, end) for i, (start, end) in enumerate(pairwise(seams))]
        self._done = {result.index: result for result in checkpoint.slices}
        self._diarization = checkpoint.diarization
        self._assembler: Assembler | None = None
        self._assembled = 0
        self.segments: list[Segment] = []

    @property
    def results(self) -> list[SliceResult]:
        return [self._done[part.index] for part in self._all]

    @property
    def missing(self) -> list[Slice]:
        return [part for part in self._all if part.index not in self._done]

    def run(self, workers: Workers) -> None:
        """Raises whatever an engine raises, and Stopped."""
        earlier = sum(part.end - part.start for part in self._all if part.index in self._done)
        missing = self.missing
        work = Work(self._source, missing, self._options.diarize and self._diarization is None, self._options)
        self._send_segments()
        for step in workers.work(work) if missing or work.diarize else ():
            self._take(step, earlier)
        assert self._assembler is not None
        self._send(self._assembler.finish())

    def _take(self, step: Step, earlier: float) -> None:
        match step:
            case SliceResult():
                self._reports.send(SliceDone(step))
                self._done[step.index] = step
                self._send_segments()
            case Diarization():
                self._reports.send(Diarized(step))
                self._diarization = step
                self._send_segments()
            case Progress():
                total = self._all[-1].end
                fraction = (earlier + step.fraction * (total - earlier)) / total if total else 1.0
                self._reports.send(Progress("transcribing", fraction))

    def _send_segments(self) -> None:
        """Assembles what is contiguous from the start; without the speakers nothing leaves."""
        if self._options.diarize and self._diarization is None:
            return
        if self._assembler is None:
            self._assembler = Assembler(self._diarization)
        ready: list[Segment] = []
        while self._assembled in self._done:
            ready += self._assembler.add(self._done[self._assembled])
            self._assembled += 1
        self._send(tuple(ready))

    def _send(self, ready: tuple[Segment, ...]) -> None:
        # A resumed job has all its segments at once: together they may be more than a Lambda takes.
        for begin in range(0, len(ready), _SEGMENTS_PER_REPORT):
            self._reports.send(SegmentsReady(ready[begin : begin + _SEGMENTS_PER_REPORT]))
        self.segments += ready


@dataclass(slots=True)
class _Read:
    """What has been made of a transcript, beside itself."""

    summary: Summary | None = None
    error: str | None = None
    events: tuple[CalendarEvent, ...] | None = None
    warnings: tuple[str, ...] = ()
    tokens: int = 0


def _read(
    task: TranscribeTask, segments: Sequence[Segment], language: str | None, reports: Reports, reader: Reader
) -> _Read:
    """A transcript is worth having without what is made of it: a failing model ends in a warning."""
    read, options = _Read(), task.options
    if not segments:
        # Where nobody speaks, nobody speaks of an appointment.
        return _Read(events=() if options.extract_events else None)
    if not (options.summarize or options.extract_events):
        return read
    reports.send(Summarizing())
    wishes = _wishes(task, language)
    if options.summarize:
        try:
            read.summary, read.tokens = reader.summary(segments, wishes)
            read.warnings = _unheeded(read.summary, wishes)
        except (Invalid, Unavailable) as error:
            logger.warning("no summary: %s", error)
            read.error, read.warnings = str(error), (f"{NO_SUMMARY}{error}",)
    if options.extract_events:
        try:
            read.events, tokens = reader.events(segments, wishes)
            read.tokens += tokens
        except (Invalid, Unavailable) as error:
            logger.warning("no appointments: %s", error)
            read.warnings = (*read.warnings, f"Appointments could not be looked for: {error}")
    return read


def _summarize_stored(task: TranscribeTask, reports: Reports, reader: Reader) -> None:
    """Writes the summary of a transcript that is there. Raises whatever a reader raises, and Stopped."""
    began = time.monotonic()
    reports.checkpoint()
    transcript = reports.transcript()
    reports.send(Summarizing())
    wishes = replace(_wishes(task, transcript.language), speaker_names=transcript.names)
    summary, tokens = reader.summary(transcript.segments, wishes)
    reports.send(
        Completed(
            language=transcript.language,
            summary=summary,
            transcription_seconds=0.0,
            summarization_seconds=round(time.monotonic() - began, 3),
            warnings=_unheeded(summary, wishes),
            tokens=tokens,
        )
    )


def _wishes(task: TranscribeTask, language: str | None) -> Wishes:
    recorded_at = None if task.recorded_at is None else datetime.fromisoformat(task.recorded_at)
    if recorded_at is not None and recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    return Wishes(language, task.options.output_language, task.options.summary_prompt, recorded_at=recorded_at)


def _unheeded(summary: Summary, wishes: Wishes) -> tuple[str, ...]:
    """The transcript's own sentences cannot be made to answer a prompt: the person has to know."""
    if not wishes.prompt or summary.model != EXTRACTIVE:
        return ()
    return (f"{SUMMARY_WARNING}leaves its prompt out: it is made of the transcript's own sentences.",)
