"""Appointments that people speak of in a recording."""

from dataclasses import dataclass
from datetime import datetime

#: Of one recording; who speaks of more speaks of something else.
MOST_EVENTS = 50
TITLE_CHARACTERS = 200
TEXT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """An appointment as it was found. `end` is after `start` where it is known; both have a zone."""

    title: str
    start: datetime
    end: datetime | None = None
    description: str | None = None
    location: str | None = None
    attendees: tuple[str, ...] = ()
    reminder_minutes: int | None = None
