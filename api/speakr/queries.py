"""Query strings and form fields of the Speakr API: what cannot be read is ignored, as its clients expect."""

import json
from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Any, TypeVar

from shared.domain.errors import Invalid
from shared.domain.models import resolve_model
from shared.domain.recordings import NO_FOLDER, SORT_KEYS, Listing, RecordingStatus
from shared.domain.tasks import TranscribeOptions
from shared.services.ingest import NewRecording

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
        date_to=_last_moment(query.get("date_to")),
        query=_storable(query.get("q", "")).strip() or None,
        inbox=_flag(query.get("inbox")),
        starred=_flag(query.get("starred")),
        tag_id=_id(query.get("tag_id")),
        folder_id=NO_FOLDER if query.get("folder_id", "").lower() == "none" else _id(query.get("folder_id")),
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
            model=_known_model(fields.get("transcription_model")),
        ),
        tag_ids=tuple(_tag_ids(fields)),
        tag_id=_id(fields.get("tag_id")),
        folder_id=_id(fields.get("folder_id")),
        prompt_variables=_json_object(fields.get("prompt_variables")),
    )


def _tag_ids(fields: Mapping[str, str]) -> Iterator[int]:
    """`tag_ids[0]`, `tag_ids[1]`, … up to the first that is missing."""
    number = 0
    while (text := fields.get(f"tag_ids[{number}]")) is not None:
        if (tag_id := _id(text)) is not None:
            yield tag_id
        number += 1


def _known_model(name: str | None) -> str | None:
    """Clients bring the names of other servers' models: those fall back to the server's own."""
    try:
        return resolve_model(name or "")
    except Invalid:
        return None


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 date or time in UTC; without a zone it is taken for UTC. None for what is neither."""
    try:
        found = datetime.fromisoformat((text or "").strip())
        return _sane(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _last_moment(text: str | None) -> datetime | None:
    """As `moment`; of a mere date its last microsecond, so that the day is in."""
    found = moment(text)
    if found is None or _time_is_said(text or ""):
        return found
    return found + timedelta(days=1, microseconds=-1)


def _time_is_said(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return True
    return False


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


def _id(text: str | None) -> int | None:
    """None for what is no number; one that can be no id of ours stays one that is nobody's."""
    found = _whole(text, None)
    return None if found is None else found if 0 < found < 2**63 else -1


def _storable(text: str) -> str:
    """Without what no text in the database can hold, so that it may be looked for."""
    return text.replace("\x00", "").encode(errors="ignore").decode()


def _flag(text: str | None) -> bool | None:
    return None if text is None else text == "true"
