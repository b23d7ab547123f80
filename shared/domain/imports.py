"""What another server holds that is to be brought here, as far as it can be told over its API."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from shared.domain.addresses import host_in_url
from shared.domain.errors import Invalid, Unavailable
from shared.domain.recordings import RecordingStatus
from shared.domain.transcripts import Segment, speaker_label

_PORTS = {"http": 80, "https": 443}
#: More speakers than this nobody has; a label beyond is taken for a name.
_LABELS = 1000


class Kind(StrEnum):
    """What is brought over; also the word in the table that says what came of it."""

    RECORDING = "recording"
    TAG = "tag"
    FOLDER = "folder"
    SPEAKER = "speaker"


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording as the list over there shows it. `ready` is False while it is still being worked on."""

    id: int
    title: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A tag or a folder. `values` are the columns besides its name that are known."""

    id: int
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    of_group: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker over there; what they sound like stays behind."""

    id: int
    name: str
    use_count: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Appointment:
    title: str
    start_at: datetime
    end_at: datetime | None
    description: str | None
    location: str | None
    attendees: tuple[str, ...]
    reminder_minutes: int | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of a transcript; `speaker` is a name or a label such as SPEAKER_00, None where nobody is named."""

    start: float
    end: float
    text: str
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """One recording with all that is known of it but the audio.

    `spoken` is None where there is no transcript. `summary_parts` are only had from another Hansard.
    """

    id: int
    title: str | None
    status: RecordingStatus
    error_message: str | None
    created_at: datetime | None
    completed_at: datetime | None
    meeting_date: datetime | None
    filename: str | None
    mime_type: str
    file_size: int
    audio_duration: float | None
    audio_available: bool
    language: str | None
    model: str | None
    is_inbox: bool
    is_highlighted: bool
    deletion_exempt: bool
    notes: str | None
    summary: str | None
    summary_parts: Mapping[str, Any] | None
    summary_model: str | None
    transcription_seconds: float | None
    summarization_seconds: float | None
    participants: tuple[str, ...]
    tags: tuple[Label, ...]
    folder: Label | None
    appointments: tuple[Appointment, ...]
    spoken: tuple[Spoken, ...] | None


class BrokenOff(Unavailable):
    """In the middle of a file: another try may get it whole."""


class Source(Protocol):
    """The server that recordings come from.

    Every call raises Unauthenticated or RateLimited when there is no going on, Unavailable when the server fails,
    Invalid when what it answers makes no sense, NotFound when the recording is gone by now.
    """

    #: What the server is called in the notes of what has been brought over.
    name: str

    def tags(self) -> Sequence[Label]: ...

    def folders(self) -> Sequence[Label]: ...

    def speakers(self) -> Sequence[Person]: ...

    def recordings(self) -> Sequence[Listed]:
        """All of them, the oldest first, each once."""
        ...

    def recording(self, recording_id: int) -> Foreign: ...

    def audio(self, recording_id: int) -> AbstractContextManager[Iterable[bytes]]:
        """The bytes, whole or with BrokenOff at their end."""
        ...


class Outcome(StrEnum):
    BROUGHT = "brought"
    #: An earlier run has brought it.
    THERE = "there already"
    LEFT = "left out"


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one thing; `note` says what a person should know of it."""

    kind: Kind
    name: str
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    """`speaker` is the number that the segments have; `listed` as in the list of participants."""

    name: str
    speaker: int | None
    listed: bool


def source_name(url: str) -> str:
    """One way to write the address of a server, without `/api/v1` at its end. Raises Invalid for what is none."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Invalid("The address of the other server cannot be read.") from None
    if parts.scheme not in _PORTS or not host:
        raise Invalid("The address of the other server has to be like https://speakr.example.com.")
    where = host_in_url(host) + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")
    path = parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/")
    return f"{parts.scheme}://{where}{path}"


def cast(spoken: Sequence[Spoken], listed: Sequence[str]) -> tuple[list[Segment], list[Participant]]:
    """The segments with numbers for their speakers, and who takes part: first the list, then who else is named.

    SPEAKER_03 keeps its number; names take those that are free, by first appearance.
    """
    heard = list(dict.fromkeys(each.speaker for each in spoken if each.speaker is not None))
    numbers = {label: number for label in heard if (number := _number(label)) is not None}
    free = (number for number in range(len(heard) + _LABELS) if number not in numbers.values())
    names = dict(zip((each for each in heard if each not in numbers), free, strict=False))
    everybody = numbers | names
    segments = [
        Segment(position, each.start, each.end, each.text, None if each.speaker is None else everybody[each.speaker])
        for position, each in enumerate(spoken)
    ]
    present = list(dict.fromkeys(listed))
    people = [Participant(name, names.get(name), listed=True) for name in present]
    people += [Participant(name, number, listed=False) for name, number in names.items() if name not in present]
    return segments, people


def _number(label: str) -> int | None:
    digits = label.removeprefix("SPEAKER_")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LABELS)) else _LABELS
    return number if number < _LABELS and label == speaker_label(number) else None
