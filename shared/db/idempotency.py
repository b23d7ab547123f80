"""What an Idempotency-Key of a user has led to. Two that claim the same key at once wait for each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import idempotency_keys

KEPT = timedelta(hours=24)
#: Whoever has claimed a key and said nothing for so long has died over it.
PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Kept:
    """`reference` is the id of what was made, or `answer` the whole answer; with neither it is still at work."""

    purpose: str
    reference: int | None
    answer: str | None


def _is_free(now: datetime) -> Any:
    unsettled = and_(idempotency_keys.c.reference.is_(None), idempotency_keys.c.answer.is_(None))
    return or_(
        idempotency_keys.c.created_at <= now - KEPT,
        and_(unsettled, idempotency_keys.c.created_at <= now - PATIENCE),
    )


def _named(user_id: int, key: str) -> Any:
    return and_(idempotency_keys.c.user_id == user_id, idempotency_keys.c.key == key)


def claim(tx: Connection, user_id: int, key: str, purpose: str, now: datetime) -> Kept | None:
    """None when the key is now the caller's, else what it has led to.

    Waits for a transaction that has claimed the same key.
    """
    # A plain None would be kept as the null of JSON.
    fresh: Mapping[str, Any] = {"purpose": purpose, "reference": None, "answer": null(), "created_at": now}
    statement = upsert(idempotency_keys).values(user_id=user_id, key=key, **fresh)
    statement = statement.on_conflict_do_update(
        index_elements=[idempotency_keys.c.user_id, idempotency_keys.c.key], set_=fresh, where=_is_free(now)
    )
    while tx.execute(statement.returning(idempotency_keys.c.key)).one_or_none() is None:
        # Between the two statements it may be given up: then it is free again.
        if found := _find(tx, _named(user_id, key)):
            return found
    return None


def find(tx: Connection, user_id: int, key: str, now: datetime) -> Kept | None:
    return _find(tx, and_(_named(user_id, key), ~_is_free(now)))


def _find(tx: Connection, condition: Any) -> Kept | None:
    columns = (idempotency_keys.c.purpose, idempotency_keys.c.reference, idempotency_keys.c.answer)
    row = tx.execute(select(*columns).where(condition)).one_or_none()
    return None if row is None else Kept(*row)


def settle(
    tx: Connection,
    user_id: int,
    key: str,
    *,
    reference: int | None = None,
    answer: str | None = None,
    claimed_at: datetime | None = None,
) -> None:
    """`claimed_at`: not if somebody else has claimed the key since then."""
    statement = update(idempotency_keys).where(_named(user_id, key))
    if claimed_at is not None:
        statement = statement.where(idempotency_keys.c.created_at == claimed_at)
    tx.execute(statement.values(reference=reference, answer=null() if answer is None else answer))


def release(tx: Connection, user_id: int, key: str, claimed_at: datetime) -> None:
    """Gives a key back that was claimed then, as if it had never been used."""
    mine = idempotency_keys.c.created_at == claimed_at
    tx.execute(delete(idempotency_keys).where(_named(user_id, key), mine))


def prune(tx: Connection, now: datetime) -> None:
    tx.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at <= now - KEPT))
