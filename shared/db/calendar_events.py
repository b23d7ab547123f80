"""The appointments that were found in recordings."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from shared.db.tables import calendar_events
from shared.domain.calendar import CalendarEvent
from shared.domain.recordings import EventRef


def replace(tx: Connection, recording_id: int, found: Sequence[CalendarEvent]) -> None:
    """These are the appointments of the recording from now on, and no others."""
    tx.execute(delete(calendar_events).where(calendar_events.c.recording_id == recording_id))
    if found:
        tx.execute(insert(calendar_events), [_values(recording_id, event) for event in found])


def of_recording(tx: Connection, recording_id: int) -> list[EventRef]:
    """In order of time."""
    rows = tx.execute(
        select(calendar_events)
        .where(calendar_events.c.recording_id == recording_id)
        .order_by(calendar_events.c.start_at, calendar_events.c.id)
    )
    return [
        EventRef(
            id=row.id,
            title=row.title,
            start=row.start_at,
            end=row.end_at,
            description=row.description,
            location=row.location,
            attendees=tuple(row.attendees),
            reminder_minutes=row.reminder_minutes,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _values(recording_id: int, event: CalendarEvent) -> dict[str, object]:
    return {
        "recording_id": recording_id,
        "title": event.title,
        "start_at": event.start,
        "end_at": event.end,
        "description": event.description,
        "location": event.location,
        "attendees": list(event.attendees),
        "reminder_minutes": event.reminder_minutes,
    }
