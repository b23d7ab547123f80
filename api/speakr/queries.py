"""Query strings and form fields of the Speakr API: what cannot be read is ignored, as its clients expect."""

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TypeVar

from shared.domain.recordings import SORT_KEYS, Listing, RecordingStatus
from shared.domain.tasks import TranscribeOptions
from shared.services.recordings import NewRecording

_STATUSES = {
    "pending": (RecordingStatus.PENDING,),
    "processing": (RecordingStatus.PROCESSING, RecordingStatus.SUMMARIZING),
    "summarizing": (RecordingStatus.SUMMARIZING,),
    "completed": (RecordingStatus.COMPLETED,),
    "failed": (RecordingStatus.FAILED,),
}
_Default = TypeVar("_Default", int, None)

# Beyond this an OFFSET no longer fits Postgres' bigint.
_LAST_PAGE = 10**15


def listing(query: Mapping[str, str], user_id: int) -> Listing:
    sort_by = query.get("sort_by", "")
    return Listing(
        user_id=user_id,
        page=min(max(_whole(query.get("page"), 1), 1), _LAST_PAGE),
        per_page=min(max(_whole(query.get("per_page"), 25), 1), 100),
        statuses=_STATUSES.get(query.get("status", "").lower()),
        sort_by=sort_by if sort_by in SORT_KEYS else "created_at",
        ascending=query.get("sort_order", "").lower() == "asc",
        date_from=moment(query.get("date_from")),
        date_to=moment(query.get("date_to")),
        query=query.get("q", "").replace("\x00", "").strip() or None,
        inbox=_flag(query.get("inbox")),
        starred=_flag(query.get("starred")),
    )


def new_recording(fields: Mapping[str, str]) -> NewRecording:
    return NewRecording(
        title=fields.get("title", ""),
        notes=fields.get("notes", ""),
        meeting_date=moment(fields.get("meeting_date")) or _milliseconds(fields.get("file_last_modified")),
        options=TranscribeOptions(
            language=fields.get("language"),
            min_speakers=_whole(fields.get("min_speakers"), None),
            max_speakers=_whole(fields.get("max_speakers"), None),
            hotwords=fields.get("hotwords"),
            initial_prompt=fields.get("initial_prompt"),
            model=fields.get("transcription_model"),
        ),
    )


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 date or time in UTC; without a zone it is taken for UTC. None for what is neither."""
    try:
        found = datetime.fromisoformat((text or "").strip())
        return _sane(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _sane(found: datetime) -> datetime | None:
    """At the very ends of the calendar another zone's clock shows a year that Python does not have."""
    return found if MINYEAR < found.year < MAXYEAR else None


def _milliseconds(text: str | None) -> datetime | None:
    try:
        return _sane(datetime.fromtimestamp(int(text or "") / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _whole(text: str | None, default: _Default) -> int | _Default:
    try:
        return int(text or "")
    except ValueError:
        return default


def _flag(text: str | None) -> bool | None:
    return None if text is None else text == "true"
