"""What a Speakr answers, made into what is brought over. Nothing in an answer is taken for granted."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.domain.errors import Invalid
from shared.domain.imports import Appointment, Foreign, Label, Listed, Person, Spoken
from shared.domain.languages import normalize_language
from shared.domain.recordings import RecordingStatus

_DONE = ("COMPLETED", "FAILED")
_ERROR = "ERROR_JSON:"
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_NAME_LENGTH = 200
_REASON_LENGTH = 500
_ID_LIMIT = 2**63
_COUNT_LIMIT = 2**31
_NOBODY = ("unknown speaker", "unknown", "")
_TAG_COLOR, _FOLDER_COLOR = "#3B82F6", "#10B981"

Answer = Mapping[str, Any]


def recordings(answer: Any) -> Sequence[Listed]:
    """One page of the list. Raises Invalid for what is none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("recordings"), list):
        raise Invalid("The other server's list of recordings cannot be read: is it a Speakr?")
    return [
        Listed(number, _text(each.get("title")) or f"Recording {number}", str(each.get("status")).upper() in _DONE)
        for each, number in _numbered(answer["recordings"])
    ]


def total(answer: Answer) -> int:
    """How many recordings there are on all pages; 0 where it does not say."""
    pagination = answer.get("pagination")
    return (_number(pagination.get("total")) or 0) if isinstance(pagination, dict) else 0


def has_next(answer: Answer) -> bool:
    pagination = answer.get("pagination")
    return isinstance(pagination, dict) and pagination.get("has_next") is True


def has_parts(detail: Any) -> bool:
    """Whether the summary of a recording has more to it than its text: at another Hansard."""
    return isinstance(detail, dict) and "model_used" in detail and bool(detail.get("summary"))


def tags(answer: Any) -> Sequence[Label]:
    return [_label(each, number, _tag_values(each)) for each, number in _numbered(_wrapped(answer, "tags"))]


def folders(answer: Any) -> Sequence[Label]:
    return [_label(each, number, _folder_values(each)) for each, number in _numbered(_wrapped(answer, "folders"))]


def speakers(answer: Any) -> Sequence[Person]:
    found = [
        Person(number, name, _number(each.get("use_count")) or 0, _moment(each.get("last_used")))
        for each, number in _numbered(_wrapped(answer, "speakers"))
        if (name := _name(each.get("name")))
    ]
    # Two that are one without the spaces around them.
    return list({person.name: person for person in found}.values())


def _wrapped(answer: Any, key: str) -> list[Any]:
    """A list, bare or under its name."""
    found = answer.get(key) if isinstance(answer, dict) else answer
    return found if isinstance(found, list) else []


def _numbered(items: Sequence[Any]) -> Iterator[tuple[Answer, int]]:
    for each in items:
        number = each.get("id") if isinstance(each, dict) else None
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < _ID_LIMIT:
            yield each, number


def _label(each: Answer, number: int, values: Mapping[str, Any]) -> Label:
    return Label(number, _name(each.get("name")) or f"#{number}", values, of_group=each.get("group_id") is not None)


def _tag_values(each: Answer) -> dict[str, Any]:
    """Models of another server mean nothing here, so a default of that kind stays behind."""
    days = each.get("retention_days")
    values = {
        "color": _color(each, _TAG_COLOR),
        "custom_prompt": _text(each.get("custom_prompt")),
        "default_language": _language(each.get("default_language")),
        "default_min_speakers": _number(each.get("default_min_speakers")),
        "default_max_speakers": _number(each.get("default_max_speakers")),
        "default_hotwords": _text(each.get("default_hotwords")),
        "default_initial_prompt": _text(each.get("default_initial_prompt")),
        "protect_from_deletion": bool(each.get("protect_from_deletion")) or days == -1,
        "retention_days": _number(days) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _folder_values(each: Answer) -> dict[str, Any]:
    switches = {
        name: value
        for name in ("auto_share_on_apply", "share_with_group_lead")
        if isinstance(value := each.get(name), bool)
    }
    return {**_tag_values(each), "color": _color(each, _FOLDER_COLOR), **switches}


def _color(each: Answer, default: str) -> str:
    color = each.get("color")
    return color if isinstance(color, str) and _COLOR.fullmatch(color) else default


def spoken(answer: Any) -> tuple[Spoken, ...]:
    """The segments; a transcript that is plain text is one. Raises Invalid for what is neither."""
    if not isinstance(answer, dict):
        raise Invalid("The transcript cannot be read.")
    segments = answer.get("segments")
    if isinstance(segments, list) and segments:
        return tuple(_spoken(segments))
    raw = _text(answer.get("raw"))
    return (Spoken(0.0, 0.0, raw, None),) if raw else ()


def _spoken(segments: Sequence[Any]) -> Iterator[Spoken]:
    reached = 0.0
    for each in segments:
        if not isinstance(each, dict):
            continue
        text = _text(each.get("sentence")) or _text(each.get("text"))
        start = _first(_seconds(each.get("start_time")), _seconds(each.get("start")), reached)
        end = _first(_seconds(each.get("end_time")), _seconds(each.get("end")), start + 1.0)
        reached = max(start, end)
        if text:
            name = _name(each.get("speaker"))
            yield Spoken(start, reached, text, None if (name or "").lower() in _NOBODY else name)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def failure(answer: Any) -> str | None:
    """Why a recording failed, where that is written into its transcript."""
    raw = answer.get("raw") if isinstance(answer, dict) else None
    if not isinstance(raw, str) or not raw.startswith(_ERROR):
        return None
    told = raw.removeprefix(_ERROR)
    try:
        found = json.loads(told)
    except ValueError:
        found = None
    if isinstance(found, dict):
        told = next((found[key] for key in ("message", "title", "error") if isinstance(found.get(key), str)), told)
    return (_text(told) or "The transcription failed.")[:_REASON_LENGTH]


def foreign(detail: Any, transcript: Any, summary: Any) -> Foreign:
    """One recording of its detail, its transcript and its summary in parts (None for what is not there).

    Raises Invalid for what is none, and for what is not done.
    """
    if not isinstance(detail, dict) or not isinstance(detail.get("id"), int):
        raise Invalid("The other server's answer cannot be read.")
    # Somebody may have begun anew since it was listed.
    if str(detail.get("status")).upper() not in _DONE:
        raise Invalid("It is still being worked on over there; the next run takes it.")
    reason = failure(transcript)
    said = None if transcript is None or reason is not None else spoken(transcript)
    failed = reason is not None or str(detail.get("status")).upper() == "FAILED"
    told = reason or _text(detail.get("error_message")) or "It failed on the server it comes from."
    tags = [_label(each, number, _tag_values(each)) for each, number in _numbered(_wrapped(detail.get("tags"), "tags"))]
    return Foreign(
        id=detail["id"],
        title=_text(detail.get("title")),
        status=RecordingStatus.FAILED if failed else RecordingStatus.COMPLETED,
        error_message=told[:_REASON_LENGTH] if failed else None,
        filename=_text(detail.get("original_filename")),
        mime_type=_text(detail.get("mime_type")) or "",
        file_size=_number(detail.get("file_size"), below=_ID_LIMIT) or 0,
        audio_available=detail.get("audio_available") is not False,
        language=_language(detail.get("language")),
        model=_text(detail.get("model_used")),
        notes=_text(detail.get("notes")),
        summary=_text(detail.get("summary")),
        tags=tuple(tags),
        folder=_folder(detail.get("folder")),
        participants=tuple(_listed(detail.get("participants"))),
        appointments=tuple(_appointments(detail.get("events"))),
        spoken=said or None,
        **_times(detail),
        **_marks(detail),
        **_parts(summary),
    )


def _times(detail: Answer) -> dict[str, Any]:
    moments = ("created_at", "completed_at", "meeting_date")
    seconds = {
        "audio_duration": "audio_duration",
        "transcription_seconds": "transcription_duration_seconds",
        "summarization_seconds": "summarization_duration_seconds",
    }
    return {name: _moment(detail.get(name)) for name in moments} | {
        ours: _seconds(detail.get(theirs)) for ours, theirs in seconds.items()
    }


def _marks(detail: Answer) -> dict[str, bool]:
    return {name: detail.get(name) is True for name in ("is_inbox", "is_highlighted", "deletion_exempt")}


def _parts(summary: Any) -> dict[str, Any]:
    """What another Hansard knows of a summary besides its text."""
    if not isinstance(summary, dict):
        return {"summary_parts": None, "summary_model": None}
    points = [each for each in map(_text, _wrapped(summary, "key_points")) if each]
    parts = {
        "key_points": points,
        "topics": list(_topics(_wrapped(summary, "topics"))),
        "action_items": list(_action_items(_wrapped(summary, "action_items"))),
    }
    return {"summary_parts": parts if any(parts.values()) else None, "summary_model": _text(summary.get("model_used"))}


def _topics(items: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for each in items:
        start, end = (_seconds(each.get(name)) if isinstance(each, dict) else None for name in ("start", "end"))
        if start is not None and end is not None and (title := _text(each.get("title"))):
            yield {"title": title, "start": start, "end": end, "summary": _text(each.get("summary")) or ""}


def _action_items(items: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for each in items:
        if isinstance(each, dict) and (text := _text(each.get("text"))):
            yield {"text": text, "start": _seconds(each.get("start")), "assignee": _text(each.get("assignee"))}


def _folder(found: Any) -> Label | None:
    return next((_label(each, number, _folder_values(each)) for each, number in _numbered([found])), None)


def _listed(found: Any) -> list[str]:
    names = found.split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    return [name for name in map(_name, names) if name]


def _appointments(found: Any) -> Iterator[Appointment]:
    for each in found if isinstance(found, list) else []:
        if not isinstance(each, dict):
            continue
        start, title = _moment(each.get("start_datetime")), _text(each.get("title"))
        if start is not None and title:
            yield Appointment(
                title=title,
                start_at=start,
                end_at=_moment(each.get("end_datetime")),
                description=_text(each.get("description")),
                location=_text(each.get("location")),
                attendees=tuple(_listed(each.get("attendees"))),
                reminder_minutes=_number(each.get("reminder_minutes")),
            )


def _text(value: Any) -> str | None:
    """None for nothing; without what no database can keep."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "ignore").decode().strip() or None


def _name(value: Any) -> str | None:
    """On one line."""
    text = _text(value)
    return " ".join(text.split())[:_NAME_LENGTH] if text else None


def _number(value: Any, *, below: int = _COUNT_LIMIT) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
    return value if whole else None


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _moment(value: Any) -> datetime | None:
    """A Speakr's times are UTC and do not say so."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _language(value: Any) -> str | None:
    try:
        return normalize_language(_text(value))
    except Invalid:
        return None
