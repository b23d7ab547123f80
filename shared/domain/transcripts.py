"""What recognition yields: words, turns, segments. Times are seconds from the start of the recording."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a probe says of a media file: `duration` in seconds, `sample_rate` in Hz; `recorded_at` if it tells."""

    duration: float
    codec: str
    container: str
    sample_rate: int
    channels: int
    has_video: bool = False
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that holds speech."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word, without surrounding spaces; `confidence` is 0..1 or unknown."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of time in which one speaker holds the floor; `speaker` is 0, 1, … by first appearance."""

    start: float
    end: float
    speaker: int


@dataclass(frozen=True, slots=True)
class Diarization:
    """Who spoke when. `turns` do not overlap and are in order of time.

    `voices[speaker]` is the mean embedding of that speaker; `voice_kind` names the space the vectors live in
    (vectors of different kinds are never compared).
    """

    turns: tuple[Turn, ...]
    model: str
    voices: tuple[tuple[float, ...], ...] = ()
    voice_kind: str = ""

    @property
    def speakers(self) -> int:
        return len({turn.speaker for turn in self.turns})


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence-like piece by one speaker. `position` counts from 0 without gaps within a transcript.

    `speaker_confidence` is the share of its words' time in which the diarizer gave that speaker the floor (0..1).
    """

    position: int
    start: float
    end: float
    text: str
    speaker: int | None
    words: tuple[Word, ...] = ()
    speaker_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """The part `[start, end)` of a recording that one worker transcribes."""

    index: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The words of one slice, in order of time, and how many seconds of speech were found in it."""

    index: int
    words: tuple[Word, ...]
    speech_seconds: float
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    title: str
    start: float
    end: float
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ActionItem:
    """Something somebody is to do; `assignee` is a speaker label or name as the transcript shows it."""

    text: str
    start: float | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said, in short. `text` is Markdown-free prose; `model` says which engine wrote it."""

    title: str
    text: str
    key_points: tuple[str, ...]
    topics: tuple[Topic, ...]
    action_items: tuple[ActionItem, ...]
    model: str


def speaker_label(speaker: int) -> str:
    """The label of an unnamed speaker: 0 -> `SPEAKER_00`."""
    return f"SPEAKER_{speaker:02d}"
