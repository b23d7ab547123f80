"""What a change tells the world outside: rows in the transaction of the change, sent after its commit."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from shared.db import events, webhooks
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.webhooks import WebhookEvent, envelope
from shared.services.core import Core


def announce(core: Core, tx: Transaction, user_id: int, event: WebhookEvent, data: Mapping[str, Any]) -> None:
    """Queues one event for the webhooks of a user. Members of `data` that are None stay out."""
    announce_all(core, tx, user_id, event, [data])


def announce_all(
    core: Core, tx: Transaction, user_id: int, event: WebhookEvent, data: Sequence[Mapping[str, Any]]
) -> None:
    """Queues several events of one kind."""
    if not core.policy.webhooks or not data:
        return
    now = core.now()
    ids = [uuid4() for _ in data]
    payloads = {each: envelope(each, event, now, user_id, said) for each, said in zip(ids, data, strict=True)}
    added = webhooks.enqueue(tx, user_id, event, payloads, now)
    if added:
        receivers = tuple({webhook_id for webhook_id, _ in added})
        core.db.after_commit(tx, lambda: core.webhook_kicks.kick(receivers))


def all_updated(core: Core, tx: Transaction, owned: Mapping[int, tuple[int, str]], fields: Sequence[str]) -> None:
    """As `recordings_updated` for those of several users: owner and title by id. All are locked already."""
    owners: dict[int, dict[int, str]] = {}
    for recording_id, (owner, title) in owned.items():
        owners.setdefault(owner, {})[recording_id] = title
    for owner, titles in owners.items():
        recordings_updated(core, tx, owner, titles, fields)


def recordings_updated(
    core: Core, tx: Transaction, user_id: int, titles: Mapping[int, str], fields: Sequence[str]
) -> None:
    """Recordings of one user have been edited: `titles` by their ids, `fields` in the words of the API.

    Writes their event logs, queues webhooks, and tells watchers after the commit.
    """
    if not titles:
        return
    events.append_each(tx, list(titles), kinds.RECORDING_UPDATED, {"fields": list(fields)})
    data = [{"recording_id": each, "title": title, "fields_changed": list(fields)} for each, title in titles.items()]
    announce_all(core, tx, user_id, WebhookEvent.UPDATED, data)
    core.db.after_commit(tx, lambda: core.live.changed(*titles))
