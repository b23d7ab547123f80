"""Webhooks, and what an event queues for them. Lock order: a webhook before its deliveries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, or_, select, update

from shared.db.tables import users, webhook_deliveries, webhooks
from shared.domain.webhooks import Webhook

COLUMNS = (
    webhooks.c.id,
    webhooks.c.user_id,
    webhooks.c.name,
    webhooks.c.url,
    webhooks.c.allow_http,
    webhooks.c.events,
    webhooks.c.enabled,
    webhooks.c.auto_paused,
    webhooks.c.trial_at,
    webhooks.c.consecutive_failures,
    webhooks.c.secret,
    webhooks.c.old_secret,
    webhooks.c.old_secret_until,
    webhooks.c.created_at,
    webhooks.c.updated_at,
    webhooks.c.last_delivery_at,
)


def from_row(row: RowMapping) -> Webhook:
    return Webhook(**{**row, "events": tuple(row["events"])})


def enqueue(
    tx: Connection, user_id: int, event: str, payloads: Mapping[UUID, str], now: datetime
) -> Sequence[tuple[int, UUID]]:
    """Adds a delivery of each payload (by its event id) for every webhook of the user that wants the event.

    Paused webhooks get theirs, too, for when they are back. Returns (webhook id, event id) of each new delivery.
    """
    wanting = (
        select(webhooks.c.id)
        .where(webhooks.c.user_id == user_id, webhooks.c.events.any_() == event)
        .where(or_(webhooks.c.enabled, webhooks.c.auto_paused))
        .order_by(webhooks.c.id)
        # One that is deleted just now must not take the change with it that the event tells of.
        .with_for_update(read=True, key_share=True)
    )
    found = tx.execute(wanting).scalars().all()
    rows = [
        {"webhook_id": webhook_id, "event_id": event_id, "event_type": event, "payload": payload, "next_at": now}
        for webhook_id in found
        for event_id, payload in payloads.items()
    ]
    if rows:
        tx.execute(insert(webhook_deliveries), rows)
    return [(row["webhook_id"], row["event_id"]) for row in rows]


def add(tx: Connection, **values: Any) -> Webhook:
    statement = insert(webhooks).values(**values).returning(*COLUMNS)
    return from_row(tx.execute(statement).mappings().one())


def count(tx: Connection, user_id: int) -> int:
    """How many webhooks the user has; until the end of the transaction nobody else counts them."""
    tx.execute(select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True))
    statement = select(func.count()).select_from(webhooks).where(webhooks.c.user_id == user_id)
    return tx.execute(statement).scalar_one()


def of_user(tx: Connection, user_id: int) -> list[Webhook]:
    """The newest first."""
    rows = tx.execute(select(*COLUMNS).where(webhooks.c.user_id == user_id).order_by(webhooks.c.id.desc()))
    return [from_row(row) for row in rows.mappings()]


def of_user_by_id(tx: Connection, user_id: int, webhook_id: int, *, lock: bool = False) -> Webhook | None:
    statement = select(*COLUMNS).where(webhooks.c.id == webhook_id, webhooks.c.user_id == user_id)
    return _one(tx, statement, lock=lock)


def locked(tx: Connection, webhook_id: int) -> Webhook | None:
    return _one(tx, select(*COLUMNS).where(webhooks.c.id == webhook_id), lock=True)


def _one(tx: Connection, statement: Select[*tuple[Any, ...]], *, lock: bool) -> Webhook | None:
    # Events go on being queued for a webhook that is locked so.
    row = tx.execute(statement.with_for_update(key_share=True) if lock else statement).mappings().one_or_none()
    return None if row is None else from_row(row)


def change(tx: Connection, webhook_id: int, **values: Any) -> Webhook:
    statement = update(webhooks).where(webhooks.c.id == webhook_id).values(**values).returning(*COLUMNS)
    return from_row(tx.execute(statement).mappings().one())


def remove(tx: Connection, user_id: int, webhook_id: int) -> bool:
    """Removes a webhook with its deliveries; says whether it was there."""
    statement = delete(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.user_id == user_id)
    return tx.execute(statement.returning(webhooks.c.id)).one_or_none() is not None
