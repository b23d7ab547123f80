"""A recording: what was uploaded, what became of it, and which of its states follow which."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from uuid import UUID

from shared.domain.errors import Invalid
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import ActionItem, Topic, speaker_label

TITLE_LENGTH = 200
TEXT_LENGTH = 100_000
MAX_SPEAKERS = 50


_MEDIA_TYPE = re.compile(r"(audio|video)/[a-z0-9!#$&^_.+-]{1,100}")
_MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".wmv": "video/x-ms-wmv",
    ".flv": "video/x-flv",
    ".ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".3gp": "video/3gpp",
    ".wma": "audio/x-ms-wma",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".amr": "audio/amr",
}


class RecordingStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    SUMMARIZING = "summarizing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TagRef:
    """A tag as lists of recordings show it."""

    id: int
    name: str
    color: str


@dataclass(frozen=True, slots=True)
class FolderRef:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Recording:
    """One row, without transcript text, summary and notes: what lists and permission checks need."""

    id: int
    uuid: UUID
    user_id: int
    title: str
    title_given: bool
    status: RecordingStatus
    error_message: str | None
    original_filename: str
    mime_type: str
    file_size: int
    sha256: str | None
    audio_key: str
    audio_duration: float | None
    language: str | None
    meeting_date: datetime | None
    is_inbox: bool
    is_highlighted: bool
    transcript_job_id: int | None
    has_summary: bool
    model: str | None
    warnings: tuple[str, ...]
    transcription_seconds: float | None
    summarization_seconds: float | None
    created_at: datetime
    completed_at: datetime | None
    last_seq: int
    deletion_exempt: bool = False
    audio_deleted_at: datetime | None = None
    participants: tuple[str, ...] = ()
    tags: tuple[TagRef, ...] = ()
    folder: FolderRef | None = None

    @property
    def has_transcript(self) -> bool:
        return self.transcript_job_id is not None


@dataclass(frozen=True, slots=True)
class CopyRef:
    """Another recording of the same bytes."""

    id: int
    title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventRef:
    """An appointment that was spoken of in a recording."""

    id: int
    title: str
    start: datetime
    end: datetime | None
    description: str | None
    location: str | None
    attendees: tuple[str, ...]
    reminder_minutes: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """A recording with what hangs on it; `texts` holds those of TEXTS that were asked for."""

    recording: Recording
    copies: tuple[CopyRef, ...]
    events: tuple[EventRef, ...]
    texts: Mapping[str, str | None]


#: The texts that live in a recording's row; lists never read them.
TEXTS = ("summary", "notes")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a recording is.

    `queue_position` is 1 for the next in line and None when the recording is not waiting; `progress` is 0..100.
    """

    id: int
    user_id: int
    status: RecordingStatus
    error_message: str | None
    completed_at: datetime | None
    queue_position: int | None
    progress: int


@dataclass(frozen=True, slots=True)
class SummaryText:
    """The stored summary of a recording, as one text and in parts."""

    text: str | None
    key_points: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = ()
    action_items: tuple[ActionItem, ...] = ()
    model: str | None = None


@dataclass(frozen=True, slots=True)
class SpeakerNames:
    """What to call each speaker of one recording: the participant's name, else the label."""

    names: dict[int, str] = field(default_factory=dict)

    def __call__(self, speaker: int | None) -> str | None:
        if speaker is None:
            return None
        return self.names.get(speaker, speaker_label(speaker))


NO_FOLDER = 0
#: What a list of recordings can be ordered by.
SORT_KEYS = ("created_at", "meeting_date", "title", "file_size", "status")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list asks for. `sort_by` is one of SORT_KEYS; `statuses` None means all.

    `folder_id` is a folder, NO_FOLDER for what is in none, or None for all.
    """

    user_id: int
    page: int
    per_page: int
    statuses: Sequence[RecordingStatus] | None = None
    sort_by: str = "created_at"
    ascending: bool = False
    date_from: datetime | None = None
    date_to: datetime | None = None
    query: str | None = None
    inbox: bool | None = None
    starred: bool | None = None
    tag_id: int | None = None
    folder_id: int | None = None


def clean_filename(name: str) -> str:
    """The last part of a client's path, without control characters; at most 255 characters, never empty."""
    base = PurePosixPath(PureWindowsPath(name).name).name
    base = "".join(character for character in base if character.isprintable()).strip()
    if base in ("", ".", ".."):
        return "recording"
    return base[-255:]


def media_type(content_type: str, filename: str, default: str = "application/octet-stream") -> str:
    """The type of a recording: what the client said if that is audio or video, else by the file's name."""
    if _MEDIA_TYPE.fullmatch(content_type.lower()):
        return content_type.lower()
    return _MEDIA_TYPES.get(PurePosixPath(filename).suffix.lower(), default)


def clean_title(title: str) -> str:
    """Raises Invalid when the title is longer than a title may be."""
    title = " ".join(title.split())
    check_storable("title", title)
    if len(title) > TITLE_LENGTH:
        raise Invalid(f"A title may have at most {TITLE_LENGTH} characters; this one has {len(title)}.")
    return title


def clean_text(name: str, value: str | None) -> str | None:
    """None for nothing. Raises Invalid for what no database can keep or nobody can have meant."""
    value = (value or "").strip()
    check_storable(name, value)
    if len(value) > TEXT_LENGTH:
        raise Invalid(f"{name} may have at most {TEXT_LENGTH} characters; this one has {len(value)}.")
    return value or None


def check_storable(name: str, value: str) -> None:
    """Raises Invalid for characters that no database can keep."""
    if "\x00" in value:
        raise Invalid(f"{name} may not contain NUL characters.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid(f"{name} may not contain halves of characters (lone surrogates).")


def check_speaker_bounds(options: TranscribeOptions) -> None:
    """Raises Invalid unless 1 <= min <= max <= MAX_SPEAKERS, as far as given."""
    low, high = options.min_speakers, options.max_speakers
    for name, value in (("min_speakers", low), ("max_speakers", high)):
        if value is not None and not 1 <= value <= MAX_SPEAKERS:
            raise Invalid(f"{name} must be between 1 and {MAX_SPEAKERS}.")
    if low is not None and high is not None and low > high:
        raise Invalid(f"min_speakers ({low}) may not be larger than max_speakers ({high}).")
