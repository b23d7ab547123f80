"""The protocol between the web side and the GPU side: a task goes out, ordered reports come back.

A worker begins with a POST of a Beginning to `<callback_url>/attempts` and learns what is already there. Then it posts
each report as JSON to `callback_url` and waits for the answer before it sends the next; `seq` counts 0, 1, 2, … within
one attempt. Recording a report is idempotent, so a worker repeats one until it is answered. The answer says whether to
go on. Every request carries `Authorization: Bearer <token>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.domain.calendar import CalendarEvent
from shared.domain.transcripts import Diarization, Segment, SliceResult, Summary

#: What this side speaks. A task says what it takes to do it: the first version knew transcriptions alone.
PROTOCOL_VERSION = 2
TRANSCRIBING_VERSION, SUMMARIZING_VERSION = 1, 2

#: The warnings that begin like this are about the summary: they go when another one is written.
SUMMARY_WARNING = "The summary "
NO_SUMMARY = f"{SUMMARY_WARNING}could not be written: "


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """What the person asked for; None means: the server's choice, or found out from the audio."""

    language: str | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    engine: str | None = None
    model: str | None = None
    hotwords: str | None = None
    initial_prompt: str | None = None
    diarize: bool = True
    summarize: bool = True
    slice_seconds: float | None = None
    #: What the summary is to look at, in the person's words, and the language it is to be in (else the recording's).
    summary_prompt: str | None = None
    output_language: str | None = None
    #: Whether appointments are to be found that people speak of.
    extract_events: bool = False


@dataclass(frozen=True, slots=True)
class TranscribeTask:
    """All a worker needs: it holds no other key.

    The slices that earlier attempts have finished come one by one from `<callback_url>/slices/<index>`: a Lambda could
    not answer all at once. A worker that says nothing for `lease_seconds` counts as dead.

    A task of the kind `summarize` brings no audio: its transcript comes in pages from `<callback_url>/transcript`. Its
    reports are Summarizing and Completed, or Failed. `recorded_at` is when people spoke (ISO 8601).
    """

    job_id: int
    attempt: int
    audio_url: str
    callback_url: str
    token: str
    options: TranscribeOptions = field(default_factory=TranscribeOptions)
    lease_seconds: float = 120.0
    version: int = TRANSCRIBING_VERSION
    kind: Literal["transcribe", "summarize"] = "transcribe"
    recorded_at: str | None = None


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Part of a stored transcript, without words: `names` of speakers as people see them.

    `more`: the next page is `<callback_url>/transcript?after=<the last position of this one>`.
    """

    segments: tuple[Segment, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    language: str | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """A worker takes up a task: `attempt` as the task says, `worker` a random name for this run of it.

    The same task may come to a second worker (Modal restarts the input of a container that died): it is given an
    attempt of its own, and what the first still reports is ignored.
    """

    attempt: int
    worker: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What earlier attempts of the same job have finished; `seams` is empty if none got as far as a plan."""

    seams: tuple[float, ...] = ()
    slices: tuple[SliceResult, ...] = ()
    diarization: Diarization | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The plan: slice i is [seams[i], seams[i+1]). A later attempt keeps the plan of the first."""

    duration: float
    seams: tuple[float, ...]
    model: str
    kind: Literal["started"] = "started"


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life. `fraction` (0..1) is the finished share of the stage."""

    stage: Literal["transcribing", "diarizing", "summarizing"]
    fraction: float
    kind: Literal["progress"] = "progress"


@dataclass(frozen=True, slots=True)
class SliceDone:
    result: SliceResult
    kind: Literal["slice"] = "slice"


@dataclass(frozen=True, slots=True)
class Diarized:
    diarization: Diarization
    kind: Literal["diarized"] = "diarized"


@dataclass(frozen=True, slots=True)
class SegmentsReady:
    """Final segments, in order; positions continue where the batch before ended."""

    segments: tuple[Segment, ...]
    kind: Literal["segments"] = "segments"


@dataclass(frozen=True, slots=True)
class Summarizing:
    kind: Literal["summarizing"] = "summarizing"


@dataclass(frozen=True, slots=True)
class Completed:
    """The end. `warnings` are sentences for the person; times are seconds of work.

    `summary_error` says why there is no summary though one was asked for (a warning says it, too). `events` is None
    when nobody has looked for appointments, and empty when there are none. `tokens` is what a language model has
    counted.
    """

    language: str | None
    summary: Summary | None
    transcription_seconds: float
    summarization_seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    summary_error: str | None = None
    events: tuple[CalendarEvent, ...] | None = None
    tokens: int = 0
    kind: Literal["completed"] = "completed"


@dataclass(frozen=True, slots=True)
class Failed:
    """The end, without a result. `retry` says whether another attempt could do better."""

    reason: str
    retry: bool = False
    kind: Literal["failed"] = "failed"


ReportBody = Started | Progress | SliceDone | Diarized | SegmentsReady | Summarizing | Completed | Failed


@dataclass(frozen=True, slots=True)
class Report:
    job_id: int
    attempt: int
    seq: int
    body: ReportBody


class Stopped(Exception):
    """The job is no longer this worker's: paused, cancelled, deleted, done, or given to another. Not an error."""
