"""Deliveries of webhooks. A row that is due is the outbox: whoever claims it (`lease_until`) sends it.

Every query walks the index of what waits from its front: a backlog costs no more than a few rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from shared.db.tables import webhook_deliveries as deliveries
from shared.db.tables import webhooks
from shared.db.webhooks import COLUMNS as WEBHOOK
from shared.db.webhooks import from_row as webhook_from_row
from shared.domain.webhooks import PER_WEBHOOK, Attempt, DeliveryStatus, Webhook, WebhookDelivery

_COLUMNS = (
    deliveries.c.id,
    deliveries.c.webhook_id,
    deliveries.c.event_id,
    deliveries.c.event_type,
    deliveries.c.status,
    deliveries.c.attempt_count,
    deliveries.c.next_at,
    deliveries.c.response_status,
    deliveries.c.response_body_preview,
    deliveries.c.error_message,
    deliveries.c.created_at,
    deliveries.c.delivered_at,
)
#: What is being sent stands among the first of what is due, since the oldest is claimed first.
_FRONT = 4 * PER_WEBHOOK
_WEBHOOKS = 100


def _delivery(row: RowMapping) -> WebhookDelivery:
    values = {column.name: row[column.name] for column in _COLUMNS}
    return WebhookDelivery(**{**values, "status": DeliveryStatus(values["status"])})


def add(
    tx: Connection, webhook_id: int, event_id: UUID, event: str, payload: str, next_at: datetime
) -> WebhookDelivery:
    statement = insert(deliveries).values(
        webhook_id=webhook_id, event_id=event_id, event_type=event, payload=payload, next_at=next_at
    )
    return _delivery(tx.execute(statement.returning(*_COLUMNS)).mappings().one())


def newest(tx: Connection, webhook_id: int, *, limit: int) -> list[WebhookDelivery]:
    """The latest deliveries of a webhook, without their payloads; the newest first."""
    statement = select(*_COLUMNS).where(deliveries.c.webhook_id == webhook_id)
    return [_delivery(row) for row in tx.execute(statement.order_by(deliveries.c.id.desc()).limit(limit)).mappings()]


def by_id(tx: Connection, webhook_id: int, delivery_id: int) -> tuple[WebhookDelivery, str] | None:
    """A delivery of this webhook, and its payload."""
    statement = select(*_COLUMNS, deliveries.c.payload).where(
        deliveries.c.id == delivery_id, deliveries.c.webhook_id == webhook_id
    )
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else (_delivery(row), row["payload"])


def _free(now: datetime) -> ColumnElement[bool]:
    """Nobody is sending it."""
    return or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until <= now)


def _may_send(now: datetime) -> ColumnElement[bool]:
    return or_(webhooks.c.enabled, and_(webhooks.c.auto_paused, webhooks.c.trial_at <= now))


def _front(now: datetime) -> FromClause:
    """For a webhook: how many of its deliveries are being sent, and since when the oldest of the others is due."""
    first = (
        select(deliveries.c.next_at, _free(now).label("free"))
        .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.next_at <= now)
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(_FRONT)
        .correlate(webhooks)
        .subquery()
    )
    in_flight = func.count().filter(~first.c.free)
    return select(in_flight.label("in_flight"), func.min(first.c.next_at).filter(first.c.free).label("oldest")).lateral(
        "front"
    )


def _sendable(now: datetime) -> Select[*tuple[Any, ...]]:
    """Webhooks that have something to send and may send more, who has waited longest first."""
    front = _front(now)
    return (
        select(*WEBHOOK)
        .join(front, true())
        .where(_may_send(now), front.c.oldest.is_not(None), front.c.in_flight < PER_WEBHOOK)
        .order_by(front.c.oldest, webhooks.c.id)
    )


def with_something_due(tx: Connection, now: datetime, *, limit: int = 1000) -> list[int]:
    """The ids of webhooks for which somebody should send."""
    statement = _sendable(now)
    return list(tx.execute(statement.with_only_columns(webhooks.c.id).limit(limit)).scalars())


def claim(
    tx: Connection, now: datetime, lease_until: datetime, *, limit: int, webhook_id: int | None = None
) -> list[Attempt]:
    """Takes up to `limit` due deliveries, of one webhook or of all, and counts an attempt at each.

    Webhooks take turns, each with its oldest deliveries; a webhook has at most PER_WEBHOOK at once, and one that is
    paused its trial. Webhooks that somebody else is looking after are passed over, unless one is asked for.
    """
    candidates = _sendable(now)
    if webhook_id is None:
        locking = candidates.limit(_WEBHOOKS).with_for_update(of=webhooks, key_share=True, skip_locked=True)
    else:
        locking = candidates.where(webhooks.c.id == webhook_id).with_for_update(of=webhooks, key_share=True)
    found = {row["id"]: webhook_from_row(row) for row in tx.execute(locking).mappings()}
    if not found:
        return []
    # Another statement: it sees what was committed before these locks were had.
    rows = tx.execute(_taking(now, lease_until, list(found), limit)).mappings().all()
    attempts = [_attempt(row, found[row["webhook_id"]]) for row in rows]
    trials = {each.webhook.id for each in attempts if each.webhook.auto_paused}
    if trials:
        # The next trial comes when this one has failed, or when its sender has died.
        tx.execute(update(webhooks).where(webhooks.c.id.in_(trials)).values(trial_at=lease_until))
    return sorted(attempts, key=lambda each: each.delivery_id)


def _taking(now: datetime, lease_until: datetime, webhook_ids: Sequence[int], limit: int) -> Any:
    front = _front(now)
    due = (
        select(
            deliveries.c.id,
            deliveries.c.next_at,
            func.row_number().over(order_by=(deliveries.c.next_at, deliveries.c.id)).label("place"),
        )
        .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.next_at <= now, _free(now))
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(PER_WEBHOOK)
        .correlate(webhooks)
        .lateral("due")
    )
    room = case((webhooks.c.auto_paused, 1), else_=PER_WEBHOOK)
    turn = due.c.place + front.c.in_flight
    chosen = (
        select(due.c.id)
        .select_from(webhooks)
        .join(front, true())
        .join(due, turn <= room)
        .where(webhooks.c.id.in_(webhook_ids), _may_send(now))
        .order_by(turn, due.c.next_at, due.c.id)
        .limit(limit)
        .cte("chosen")
    )
    return (
        update(deliveries)
        .where(deliveries.c.id == chosen.c.id, deliveries.c.next_at.is_not(None), _free(now))
        .values(lease_until=lease_until, attempt_count=deliveries.c.attempt_count + 1)
        .returning(
            deliveries.c.id,
            deliveries.c.webhook_id,
            deliveries.c.event_id,
            deliveries.c.event_type,
            deliveries.c.payload,
            deliveries.c.attempt_count,
        )
    )


def _attempt(row: RowMapping, webhook: Webhook) -> Attempt:
    return Attempt(row["id"], webhook, row["event_id"], row["event_type"], row["payload"], row["attempt_count"])


def settle(tx: Connection, attempt: Attempt, **values: Any) -> bool:
    """Notes what came of an attempt. False if it counts no more: a later one was begun, or the delivery has ended."""
    statement = (
        update(deliveries)
        .where(deliveries.c.id == attempt.delivery_id, deliveries.c.attempt_count == attempt.number)
        .where(deliveries.c.next_at.is_not(None))
        .values(lease_until=None, **values)
        .returning(deliveries.c.id)
    )
    return tx.execute(statement).one_or_none() is not None


def release(tx: Connection, webhook_id: int, now: datetime) -> bool:
    """Makes all that waits due at once; says whether anything waits."""
    waiting = and_(deliveries.c.webhook_id == webhook_id, deliveries.c.next_at.is_not(None))
    tx.execute(update(deliveries).where(waiting, deliveries.c.next_at > now).values(next_at=now))
    return tx.execute(select(deliveries.c.id).where(waiting).limit(1)).one_or_none() is not None


def end_waiting(tx: Connection, webhook_id: int, now: datetime, reason: str) -> None:
    """Gives up what waits for a webhook; what is being sent just now is left to its sender."""
    _end(tx, reason, deliveries.c.webhook_id == webhook_id, _free(now))


def end_disabled(tx: Connection, now: datetime, reason: str) -> None:
    """The same for every webhook that its user has disabled."""
    disabled = select(webhooks.c.id).where(~webhooks.c.enabled, ~webhooks.c.auto_paused)
    _end(tx, reason, deliveries.c.webhook_id.in_(disabled), _free(now))


def end_old(tx: Connection, before: datetime, now: datetime, reason: str) -> None:
    """Gives up what has waited since then, of all webhooks."""
    _end(tx, reason, deliveries.c.created_at < before, _free(now))


def _end(tx: Connection, reason: str, *which: ColumnElement[bool]) -> None:
    ended = {"status": DeliveryStatus.PERMANENT_FAILURE, "next_at": None, "lease_until": None, "error_message": reason}
    waiting = select(deliveries.c.id).where(deliveries.c.next_at.is_not(None), *which)
    # Two that do this at once must not wait for each other.
    chosen = waiting.with_for_update(skip_locked=True).cte("chosen")
    tx.execute(update(deliveries).where(deliveries.c.id == chosen.c.id).values(**ended))


def prune(tx: Connection, before: datetime, *, limit: int = 5000) -> None:
    """Forgets deliveries that have ended, the oldest first."""
    old = (
        select(deliveries.c.id)
        .where(deliveries.c.next_at.is_(None), deliveries.c.created_at < before)
        .order_by(deliveries.c.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("old")
    )
    tx.execute(delete(deliveries).where(deliveries.c.id == old.c.id))
