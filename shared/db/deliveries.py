"""Deliveries of webhooks. A row that is due is the outbox: whoever claims it (`lease_until`) sends it.

Every query walks the index of what waits from its front: a backlog costs no more than a few rows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
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

from shared.db.tables import users, webhooks
from shared.db.tables import webhook_deliveries as deliveries
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
#: Attempts at the same time over all webhooks of a user: nobody takes all the room there is.
PER_USER = 8
#: The rest is for webhooks that send nothing yet: some that hang do not keep the others of their user waiting.
_SECOND = 6


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


def _first(now: datetime) -> Select[*tuple[Any, ...]]:
    """For a webhook: the oldest of what is due. What is being sent, or whose sender died, is among them."""
    return (
        select(deliveries.c.id, deliveries.c.next_at, _free(now).label("free"))
        .where(deliveries.c.webhook_id == webhooks.c.id, deliveries.c.next_at <= now)
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(_FRONT)
        .correlate(webhooks)
    )


def _front(now: datetime) -> FromClause:
    """For a webhook: how many of its deliveries are being sent, and since when the oldest of the others is due."""
    first = _first(now).subquery()
    in_flight = func.count().filter(~first.c.free)
    return select(in_flight.label("in_flight"), func.min(first.c.next_at).filter(first.c.free).label("oldest")).lateral(
        "front"
    )


def _waiting() -> CTE:
    """The ids of webhooks for which anything waits, found one after the other: neither other webhooks are read, nor
    more than a row for each."""
    least = func.min(deliveries.c.webhook_id)
    waits = deliveries.c.next_at.is_not(None)
    found = select(least.label("id")).where(waits).cte("waiting", recursive=True)
    following = select(least).where(waits, deliveries.c.webhook_id > found.c.id).scalar_subquery()
    return found.union_all(select(following).where(found.c.id.is_not(None)))


def _room_of_user(first: ColumnElement[bool]) -> ColumnElement[int]:
    """How many a user may have at once for another to be added, which may be the first of its webhook."""
    return case((first, PER_USER), else_=_SECOND)


def _sendable(now: datetime, user_id: int | None = None) -> Select[*tuple[Any, ...]]:
    """Webhooks, of one user or of all, that have something to send and may send more, who has waited longest first."""
    among = webhooks.c.id.in_(select(_waiting().c.id)) if user_id is None else webhooks.c.user_id == user_id
    front = _front(now)
    of_user = func.sum(front.c.in_flight).over(partition_by=webhooks.c.user_id)
    fronts = (
        select(webhooks.c.id, front.c.oldest, front.c.in_flight, of_user.label("of_user"))
        .join(front, true())
        .where(among, _may_send(now))
        .subquery()
    )
    return (
        select(*WEBHOOK)
        .join(fronts, fronts.c.id == webhooks.c.id)
        .where(_may_send(now), fronts.c.oldest.is_not(None))
        .where(fronts.c.in_flight < PER_WEBHOOK, fronts.c.of_user < _room_of_user(fronts.c.in_flight == 0))
        .order_by(fronts.c.oldest, webhooks.c.id)
    )


def with_something_due(
    tx: Connection, now: datetime, *, user_id: int | None = None, without: int | None = None, limit: int = 1000
) -> list[int]:
    """The ids of webhooks, of one user or of all, for which somebody should send; who has waited longest first."""
    statement = _sendable(now, user_id).where(webhooks.c.id != without if without is not None else true())
    return list(tx.execute(statement.with_only_columns(webhooks.c.id).limit(limit)).scalars())


def claim(
    tx: Connection, now: datetime, lease_until: datetime, *, limit: int, webhook_id: int | None = None
) -> list[Attempt]:
    """Takes up to `limit` due deliveries, of one webhook or of all, and counts an attempt at each.

    Webhooks take turns, each with its oldest deliveries; a webhook has at most PER_WEBHOOK at once, one that is paused
    its trial, and all of a user together PER_USER. Webhooks and users that somebody else is looking after are passed
    over, unless one is asked for.
    """
    found = _locked(tx, now) if webhook_id is None else _one_locked(tx, now, webhook_id)
    if not found:
        return []
    # Another statement: it sees what was committed before these locks were had.
    rows = tx.execute(_taking(now, lease_until, found, limit)).mappings().all()
    attempts = [_attempt(row, found[row["webhook_id"]]) for row in rows]
    trials = {each.webhook.id for each in attempts if each.webhook.auto_paused}
    if trials:
        # The next trial comes when this one has failed, or when its sender has died.
        tx.execute(update(webhooks).where(webhooks.c.id.in_(trials)).values(trial_at=lease_until))
    return sorted(attempts, key=lambda each: each.delivery_id)


def _locked(tx: Connection, now: datetime) -> dict[int, Webhook]:
    """What may send, by id, with its users: until the end of the transaction nobody else claims for them."""
    candidates = _sendable(now).join(users, users.c.id == webhooks.c.user_id).limit(_WEBHOOKS)
    locking = candidates.with_for_update(of=[webhooks, users], key_share=True, skip_locked=True)
    return {row["id"]: webhook_from_row(row) for row in tx.execute(locking).mappings()}


def _one_locked(tx: Connection, now: datetime, webhook_id: int) -> dict[int, Webhook]:
    """The same for one webhook, once nobody else has them. The user comes first, as when one is removed."""
    owner = select(users.c.id).join(webhooks, webhooks.c.user_id == users.c.id).where(webhooks.c.id == webhook_id)
    user_id = tx.execute(owner.with_for_update(of=users, key_share=True)).scalar_one_or_none()
    if user_id is None:
        return {}
    locking = _sendable(now, user_id).where(webhooks.c.id == webhook_id).with_for_update(of=webhooks, key_share=True)
    return {row["id"]: webhook_from_row(row) for row in tx.execute(locking).mappings()}


def _turns(now: datetime, webhook_ids: Iterable[int]) -> FromClause:
    """What these webhooks may send now, each with its turn: 1 for a webhook that sends nothing yet."""
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
    return (
        select(due.c.id, due.c.next_at, webhooks.c.user_id, turn.label("turn"))
        .select_from(webhooks)
        .join(front, true())
        .join(due, turn <= room)
        .where(webhooks.c.id.in_(webhook_ids), _may_send(now))
        .subquery("turns")
    )


def _busy(now: datetime, user_ids: Iterable[int]) -> FromClause:
    """For each of these users: how many of their deliveries are being sent."""
    front = _front(now)
    in_flight = func.sum(front.c.in_flight).label("in_flight")
    counted = select(webhooks.c.user_id, in_flight).select_from(webhooks).join(front, true())
    return counted.where(webhooks.c.user_id.in_(user_ids)).group_by(webhooks.c.user_id).subquery("busy")


def _taking(now: datetime, lease_until: datetime, found: Mapping[int, Webhook], limit: int) -> Any:
    turns, busy = _turns(now, found), _busy(now, {each.user_id for each in found.values()})
    order = (turns.c.turn, turns.c.next_at, turns.c.id)
    place = func.row_number().over(partition_by=turns.c.user_id, order_by=order)
    ranked = (
        select(*turns.c, (place + busy.c.in_flight).label("place"))
        .join(busy, busy.c.user_id == turns.c.user_id)
        .subquery("ranked")
    )
    chosen = (
        select(ranked.c.id)
        .where(ranked.c.place <= _room_of_user(ranked.c.turn == 1))
        .order_by(ranked.c.turn, ranked.c.next_at, ranked.c.id)
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


def end_lost(tx: Connection, attempts: int, now: datetime, reason: str) -> None:
    """Gives up what was begun more often than that and whose sender died again; what is paused goes on being tried."""
    first = _first(now).lateral("first")
    oldest = (
        select(first.c.id)
        .select_from(webhooks)
        .join(first, true())
        .where(webhooks.c.id.in_(select(_waiting().c.id)), ~webhooks.c.auto_paused)
    )
    _end(
        tx,
        reason,
        deliveries.c.id.in_(oldest),
        deliveries.c.attempt_count > attempts,
        deliveries.c.lease_until <= now,
    )


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
