"""Webhooks as their users see them: made, listed, changed, tested; their deliveries looked at and sent again."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from shared.db import deliveries, webhooks
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.domain.recordings import check_storable
from shared.domain.webhooks import GRACE, NAME_LENGTH, Webhook, WebhookDelivery, WebhookEvent, envelope
from shared.services import access
from shared.services.core import Core
from shared.services.found import found

#: Why deliveries end that nobody has tried to send.
DISABLED = "The webhook is disabled."

_EVENTS = frozenset(WebhookEvent)
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What is None stays as it is."""

    name: str | None = None
    url: str | None = None
    events: Sequence[str] | None = None
    allow_http: bool | None = None
    enabled: bool | None = None


def page(core: Core, caller: Caller) -> list[Webhook]:
    """The caller's webhooks, the newest first."""
    access.need(caller, Scope.WEBHOOKS)
    with core.db.begin() as tx:
        return webhooks.of_user(tx, caller.user_id)


def get(core: Core, caller: Caller, webhook_id: int) -> Webhook:
    """Raises NotFound, also for those of others."""
    access.need(caller, Scope.WEBHOOKS)
    with core.db.begin() as tx:
        return _found(tx, caller, webhook_id)


def create(core: Core, caller: Caller, new: WebhookChange) -> Webhook:
    """Raises Invalid for a name, URL or event that cannot be, and Conflict when the caller has as many as may be."""
    access.need(caller, Scope.WEBHOOKS)
    name, url, allow_http = _name(new.name or ""), _url(new.url or ""), bool(new.allow_http)
    events = _events(new.events or ())
    core.webhook_sender.check(url, allow_http=allow_http)
    now = core.now()
    with core.db.begin() as tx:
        most = core.policy.webhooks_per_user
        if webhooks.count(tx, caller.user_id) >= most:
            raise Conflict(f"You have {most} webhooks already, which is as many as may be.", max_per_user=most)
        return webhooks.add(
            tx,
            user_id=caller.user_id,
            name=name,
            url=url,
            allow_http=allow_http,
            events=events,
            enabled=new.enabled is not False,
            secret=_new_secret(),
            created_at=now,
            updated_at=now,
        )


def change(core: Core, caller: Caller, webhook_id: int, asked: WebhookChange) -> Webhook:
    """Raises NotFound, and Invalid as `create` does.

    Enabling forgets a pause and its failures, and sends what has waited; disabling gives up what waits.
    """
    before = get(core, caller, webhook_id)
    values = _values(core, before, asked)
    with core.db.begin() as tx:
        webhook = _found(tx, caller, webhook_id, lock=True)
        if asked.enabled is not None:
            values |= _switched(core, tx, webhook, on=asked.enabled)
        if not values:
            return webhook
        return webhooks.change(tx, webhook_id, **values, updated_at=core.now())


def _values(core: Core, before: Webhook, asked: WebhookChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if asked.name is not None:
        values["name"] = _name(asked.name)
    if asked.url is not None:
        values["url"] = _url(asked.url)
    if asked.allow_http is not None:
        values["allow_http"] = asked.allow_http
    if asked.events is not None:
        try:
            values["events"] = _events(asked.events)
        except Invalid as error:
            # Speakr says which events there are only where a webhook is made.
            raise Invalid(str(error)) from error
    if "url" in values or "allow_http" in values:
        # Two changes at once may add up to what each alone was checked for: it is checked again when it is called.
        allow_http = values.get("allow_http", before.allow_http)
        core.webhook_sender.check(values.get("url", before.url), allow_http=allow_http)
    return values


def _switched(core: Core, tx: Transaction, webhook: Webhook, *, on: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"enabled": on, "auto_paused": False, "trial_at": None}
    if not on:
        deliveries.end_waiting(tx, webhook.id, core.now(), DISABLED)
        return values
    if webhook.auto_paused and deliveries.release(tx, webhook.id, core.now()):
        _kick(core, tx, webhook.id)
    return values | {"consecutive_failures": 0}


def delete(core: Core, caller: Caller, webhook_id: int) -> None:
    """Deletes a webhook with its deliveries. Raises NotFound."""
    access.need(caller, Scope.WEBHOOKS)
    with core.db.begin() as tx:
        if not webhooks.remove(tx, caller.user_id, webhook_id):
            raise NotFound("There is no such webhook.")


def rotate_secret(core: Core, caller: Caller, webhook_id: int) -> Webhook:
    """The webhook with a new secret. The old one signs as well for a while. Raises NotFound."""
    access.need(caller, Scope.WEBHOOKS)
    now = core.now()
    with core.db.begin() as tx:
        webhook = _found(tx, caller, webhook_id, lock=True)
        old = {"old_secret": webhook.secret, "old_secret_until": now + GRACE}
        return webhooks.change(tx, webhook_id, secret=_new_secret(), **old, updated_at=now)


def test(core: Core, caller: Caller, webhook_id: int, reason: str = "") -> WebhookDelivery:
    """Queues a delivery that tells of nothing. Raises NotFound, and Conflict when the webhook is not enabled."""
    access.need(caller, Scope.WEBHOOKS)
    check_storable("reason", reason)
    said = {"reason": reason.strip()[:_LONGEST_REASON] or "manual", "webhook_id": webhook_id}
    now, event_id = core.now(), uuid4()
    with core.db.begin() as tx:
        webhook = _found(tx, caller, webhook_id, lock=True)
        if not webhook.enabled:
            raise Conflict("The webhook is not enabled, so nothing is sent to it.")
        payload = envelope(event_id, WebhookEvent.TEST, now, webhook.user_id, said)
        _kick(core, tx, webhook_id)
        return deliveries.add(tx, webhook_id, event_id, WebhookEvent.TEST, payload, now)


def latest_deliveries(core: Core, caller: Caller, webhook_id: int, limit: int) -> list[WebhookDelivery]:
    """The newest first. Raises NotFound."""
    access.need(caller, Scope.WEBHOOKS)
    with core.db.begin() as tx:
        _found(tx, caller, webhook_id)
        return deliveries.newest(tx, webhook_id, limit=limit)


def delivery(core: Core, caller: Caller, webhook_id: int, delivery_id: int) -> tuple[WebhookDelivery, str]:
    """A delivery and its payload. Raises NotFound."""
    access.need(caller, Scope.WEBHOOKS)
    with core.db.begin() as tx:
        return _found_delivery(tx, caller, webhook_id, delivery_id)


def replay(core: Core, caller: Caller, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    """Queues the same event once more, as a delivery of its own. Raises NotFound."""
    access.need(caller, Scope.WEBHOOKS)
    now, event_id = core.now(), uuid4()
    with core.db.begin() as tx:
        webhook = _found(tx, caller, webhook_id, lock=True)
        original, payload = _found_delivery(tx, caller, webhook_id, delivery_id)
        said = json.loads(payload)["data"]
        again = envelope(event_id, original.event_type, now, webhook.user_id, said, replayed_from=original.event_id)
        next_at = _trial_now(tx, webhook, now) if webhook.auto_paused else now
        _kick(core, tx, webhook_id)
        return deliveries.add(tx, webhook_id, event_id, original.event_type, again, next_at)


def _trial_now(tx: Transaction, webhook: Webhook, now: datetime) -> datetime:
    """A paused webhook is tried at once with what is added now; returns since when that is due."""
    webhooks.change(tx, webhook.id, trial_at=now)
    # Before everything else that waits.
    return webhook.created_at


def _kick(core: Core, tx: Transaction, webhook_id: int) -> None:
    if core.policy.webhooks:
        core.db.after_commit(tx, lambda: core.webhook_kicks.kick((webhook_id,)))


def _found(tx: Transaction, caller: Caller, webhook_id: int, *, lock: bool = False) -> Webhook:
    return found(webhooks.of_user_by_id(tx, caller.user_id, webhook_id, lock=lock), "webhook")


def _found_delivery(tx: Transaction, caller: Caller, webhook_id: int, delivery_id: int) -> tuple[WebhookDelivery, str]:
    _found(tx, caller, webhook_id)
    return found(deliveries.by_id(tx, webhook_id, delivery_id), "delivery")


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _name(name: str) -> str:
    name = name.strip()[:NAME_LENGTH].strip()
    if not name:
        raise Invalid("A webhook needs a name.")
    check_storable("name", name)
    return name


def _url(url: str) -> str:
    if not url.strip():
        raise Invalid("A webhook needs a url.")
    check_storable("url", url)
    return url.strip()


def _events(events: Sequence[str]) -> list[str]:
    """Each once, in the order in which they came."""
    if not events:
        raise Invalid("A webhook needs at least one event.")
    if not _EVENTS.issuperset(events):
        allowed = [event.value for event in WebhookEvent]
        raise Invalid(f"There is an unknown event among these. The events are {', '.join(allowed)}.", allowed=allowed)
    return list(dict.fromkeys(events))
