"""Appointments in Speakr's words, and as an iCalendar file (RFC 5545)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from shared.dialects.speakr.common import utc
from shared.domain.recordings import EventRef

if TYPE_CHECKING:
    from icalendar import Alarm, Event


class EventShape(BaseModel):
    id: int
    title: str
    start_datetime: datetime
    end_datetime: datetime | None
    description: str | None
    location: str | None


class EventDetail(EventShape):
    """As the detail of a recording shows it."""

    recording_id: int
    attendees: list[str]
    reminder_minutes: int | None
    created_at: datetime


class EventsAnswer(BaseModel):
    events: list[EventShape]


def event(found: EventRef) -> dict[str, Any]:
    """For EventShape."""
    return {
        "id": found.id,
        "title": found.title,
        "start_datetime": utc(found.start),
        "end_datetime": utc(found.end),
        "description": found.description,
        "location": found.location,
    }


def event_detail(recording_id: int, found: EventRef) -> dict[str, Any]:
    """For EventDetail."""
    return {
        **event(found),
        "recording_id": recording_id,
        "attendees": list(found.attendees),
        "reminder_minutes": found.reminder_minutes,
        "created_at": utc(found.created_at),
    }


def events(found: Sequence[EventRef]) -> dict[str, Any]:
    return {"events": [event(each) for each in found]}


def ics(found: Sequence[EventRef]) -> bytes:
    """One calendar with all of them. Times are UTC."""
    from icalendar import Calendar  # noqa: PLC0415 (who asks for it pays for the import)

    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Hansard//EN")
    for each in found:
        calendar.add_component(_entry(each))
    return calendar.to_ical()


def _entry(found: EventRef) -> "Event":
    from icalendar import Event  # noqa: PLC0415

    entry = Event()
    entry.add("uid", f"{found.id}@speakr")
    entry.add("dtstamp", found.created_at.astimezone(UTC))
    entry.add("summary", found.title)
    entry.add("dtstart", found.start.astimezone(UTC))
    if found.end is not None:
        entry.add("dtend", found.end.astimezone(UTC))
    if found.description:
        entry.add("description", found.description)
    if found.location:
        entry.add("location", found.location)
    if found.reminder_minutes is not None:
        entry.add_component(_alarm(found.title, found.reminder_minutes))
    return entry


def _alarm(title: str, minutes: int) -> "Alarm":
    from icalendar import Alarm  # noqa: PLC0415

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", timedelta(minutes=-minutes))
    return alarm
