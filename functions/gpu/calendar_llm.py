"""Appointments, found by a language model. What it says is believed as far as it can be true."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from functions.gpu.asking import PART_CHARACTERS, RULES, as_objects, as_text, ask, in_parts, spoken_line
from shared.domain.calendar import MOST_EVENTS, TEXT_CHARACTERS, TITLE_CHARACTERS, CalendarEvent
from shared.domain.transcripts import Segment

if TYPE_CHECKING:
    from shared.ports import LanguageModel

_RULES = (
    "You find the appointments in the transcript of a recorded conversation ([seconds] speaker: words): meetings, "
    "calls, deadlines and the like that lie ahead and have a day.\n"
    + RULES
    + """\
It was recorded on {day}, {recorded_at}. Work out from that what people mean by words such as "tomorrow" or "next
Tuesday". What is long past, what is only a wish, and what has no day is no appointment; without a time of day it is at
09:00. Answer with one JSON object and nothing else (null for what was not said):
{{"events": [{{"title": "a few words", "start": "2026-03-04T15:00:00", "end": null, "description": "one sentence",
 "location": null, "attendees": ["names"]}}]}}
"""
)
#: Nobody fixes a date further ahead. What lies before the recording was no appointment any more.
_AHEAD = timedelta(days=5 * 366)
_LONGEST = timedelta(days=31)
_MOST_ATTENDEES = 30


def find(
    model: "LanguageModel", segments: Sequence[Segment], names: Mapping[int, str], recorded_at: datetime | None
) -> tuple[CalendarEvent, ...]:
    """In order of time, at most MOST_EVENTS. Nothing without `recorded_at`. Raises Unavailable when the model fails."""
    lines = [(segment, spoken_line(segment, names)) for segment in segments if segment.text.strip()]
    if not lines or recorded_at is None:
        return ()
    rules = _RULES.format(tag="transcript", day=f"{recorded_at:%A}", recorded_at=recorded_at.isoformat(sep=" "))
    found: dict[tuple[str, datetime], CalendarEvent] = {}
    for part in in_parts(lines, PART_CHARACTERS):
        answer = ask(model, rules, "transcript", "\n".join(line for _, line in part), _is_answer)
        for event in _events(answer, recorded_at):
            found.setdefault((event.title.lower(), event.start), event)
    return tuple(sorted(found.values(), key=lambda event: event.start)[:MOST_EVENTS])


def _is_answer(answer: dict[str, Any]) -> bool:
    return isinstance(answer.get("events"), list)


def _events(answer: Mapping[str, Any], recorded_at: datetime) -> Iterator[CalendarEvent]:
    midnight = recorded_at.replace(hour=0, minute=0, second=0, microsecond=0)
    for item in as_objects(answer["events"]):
        title = " ".join(as_text(item.get("title")).split())[:TITLE_CHARACTERS]
        start = _moment(item.get("start"), recorded_at)
        if not title or start is None or start < midnight or start - recorded_at > _AHEAD:
            continue
        end = _moment(item.get("end"), recorded_at)
        attendees = item.get("attendees")
        people = [as_text(each)[:TITLE_CHARACTERS] for each in (attendees if isinstance(attendees, list) else ())]
        yield CalendarEvent(
            title,
            start,
            end if end is not None and timedelta() < end - start <= _LONGEST else None,
            as_text(item.get("description"))[:TEXT_CHARACTERS] or None,
            as_text(item.get("location"))[:TEXT_CHARACTERS] or None,
            tuple(filter(None, people))[:_MOST_ATTENDEES],
        )


def _moment(value: object, recorded_at: datetime) -> datetime | None:
    """A time without a zone is by the clock of the recording."""
    try:
        found = datetime.fromisoformat(as_text(value))
        return (found if found.tzinfo is not None else found.replace(tzinfo=recorded_at.tzinfo)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
