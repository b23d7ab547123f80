"""The event log. `append` is part of the transaction that makes the change it tells of."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, cast, func, insert, select, update

from shared.db.tables import events, recordings
from shared.domain.events import Event


def append(tx: Connection, recording_id: int, new: Sequence[tuple[str, dict[str, Any]]]) -> int:
    """Appends `(kind, data)` pairs and returns the `seq` of the last one.

    The row lock on the recording makes the numbers gapless and puts concurrent writers in line.
    """
    last = tx.execute(
        update(recordings)
        .where(recordings.c.id == recording_id)
        .values(last_seq=recordings.c.last_seq + len(new))
        .returning(recordings.c.last_seq)
    ).scalar_one()
    first = last - len(new) + 1
    tx.execute(
        insert(events),
        [
            {"recording_id": recording_id, "seq": first + offset, "kind": kind, "data": data}
            for offset, (kind, data) in enumerate(new)
        ],
    )
    return last


def append_each(tx: Connection, recording_ids: Sequence[int], kind: str, data: dict[str, Any]) -> None:
    """Appends the same event to the logs of several recordings."""
    # One array: a statement takes 65,535 parameters, and a speaker may be in more recordings.
    these = recordings.c.id == func.any(cast(list(recording_ids), ARRAY(BigInteger)))
    # In the order of their ids: two that do this at once must not wait for each other.
    tx.execute(select(recordings.c.id).where(these).order_by(recordings.c.id).with_for_update())
    numbered = tx.execute(
        update(recordings)
        .where(these)
        .values(last_seq=recordings.c.last_seq + 1)
        .returning(recordings.c.id, recordings.c.last_seq)
    ).all()
    tx.execute(
        insert(events),
        [{"recording_id": each, "seq": seq, "kind": kind, "data": data} for each, seq in numbered],
    )


def after(tx: Connection, recording_id: int, seq: int, *, limit: int) -> list[Event]:
    """The events that follow `seq`, in order, at most `limit`."""
    rows = tx.execute(
        select(events.c.recording_id, events.c.seq, events.c.kind, events.c.data, events.c.at)
        .where(events.c.recording_id == recording_id, events.c.seq > seq)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [Event(*row) for row in rows]


def last_of(tx: Connection, recording_id: int, kinds: Sequence[str]) -> int:
    """The number of the latest event of one of these kinds; 0 if there is none."""
    statement = select(events.c.seq).where(events.c.recording_id == recording_id, events.c.kind.in_(kinds))
    return tx.execute(statement.order_by(events.c.seq.desc()).limit(1)).scalar_one_or_none() or 0
