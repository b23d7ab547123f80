"""WebSocket connections that API Gateway holds open for us, and how far each has been told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import connections, recordings
from shared.domain.connections import Watcher

_COLUMNS = (
    connections.c.id,
    connections.c.dialect,
    connections.c.after_seq,
    connections.c.sent_at,
    connections.c.created_at,
)


def add(tx: Connection, **values: Any) -> None:
    """Fine to repeat: API Gateway may run `$connect` twice."""
    tx.execute(upsert(connections).values(**values).on_conflict_do_nothing())


def remove(tx: Connection, ids: Sequence[str]) -> None:
    if ids:
        tx.execute(delete(connections).where(connections.c.id.in_(ids)))


def waiting(tx: Connection, recording_id: int, last_seq: int | None, *, but: set[str], limit: int) -> list[Watcher]:
    """Locks watchers that have not been told everything, passing over those that somebody else is telling.

    `last_seq` is None for a recording that is gone: all its watchers have that to hear.
    """
    statement = select(*_COLUMNS).where(connections.c.recording_id == recording_id)
    if last_seq is not None:
        statement = statement.where(connections.c.after_seq < last_seq)
    if but:
        statement = statement.where(connections.c.id.not_in(but))
    rows = tx.execute(statement.order_by(connections.c.id).limit(limit).with_for_update(skip_locked=True))
    return [Watcher(*row) for row in rows]


def told(tx: Connection, seen: Mapping[str, int], now: datetime) -> None:
    """Notes the last event that each connection was sent."""
    ids_by_seq: dict[int, list[str]] = defaultdict(list)
    for connection_id, seq in seen.items():
        ids_by_seq[seq].append(connection_id)
    for seq, ids in ids_by_seq.items():
        tx.execute(update(connections).where(connections.c.id.in_(ids)).values(after_seq=seq, sent_at=now))


def remove_expired(tx: Connection, now: datetime) -> None:
    tx.execute(delete(connections).where(connections.c.expires_at < now))


def recordings_with_news(tx: Connection, *, limit: int = 1000) -> Sequence[int]:
    """Recordings whose watchers have something to hear."""
    rows = tx.execute(
        select(connections.c.recording_id)
        .outerjoin(recordings, recordings.c.id == connections.c.recording_id)
        .where(or_(recordings.c.id.is_(None), connections.c.after_seq < recordings.c.last_seq))
        .distinct()
        .limit(limit)
    )
    return rows.scalars().all()
