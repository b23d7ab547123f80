"""Sending webhooks. Rows that are due are claimed under a lease, sent outside of any transaction, and settled.

Whoever dies on the way leaves a lease that runs out; then the row is due again. So each is sent at least once.
"""

import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shared.db import deliveries, webhooks
from shared.domain.errors import Invalid, Unavailable
from shared.domain.signatures import headers
from shared.domain.webhooks import LEASE, MAX_ATTEMPTS, PER_WEBHOOK, Answer, Attempt, DeliveryStatus, judge
from shared.services.core import Core
from shared.services.webhooks import DISABLED

logger = logging.getLogger("hansard.webhooks")

_TOO_OLD = "It could not be delivered for so long that it was given up."
#: Who dies while sending notes nothing, so such attempts are not held against the webhook; but they come to an end.
_MOST_BEGUN = 4 * MAX_ATTEMPTS
_LOST = "It was begun again and again, and whoever sent it ended without a word, so it was given up."


def claim(core: Core, *, limit: int, webhook_id: int | None = None) -> Sequence[Attempt]:
    """Takes up to `limit` deliveries to send now. Each has to be handed to `send` within the lease."""
    if not core.policy.webhooks:
        return []
    now = core.now()
    with core.db.begin() as tx:
        return deliveries.claim(tx, now, now + LEASE, limit=limit, webhook_id=webhook_id)


def send(core: Core, attempt: Attempt) -> None:
    """Sends what was claimed, and notes what came of it."""
    settle(core, attempt, call(core, attempt))


def call(core: Core, attempt: Attempt) -> Answer:
    """Sends what was claimed, without the database. Raises nothing of the domain."""
    webhook, body = attempt.webhook, attempt.payload.encode()
    try:
        signed = headers(attempt, body, core.now())
        found = core.webhook_sender.send(webhook.url, signed, body, allow_http=webhook.allow_http)
    except Invalid as error:
        return Answer(error=str(error), refused=True)
    except Unavailable as error:
        return Answer(error=str(error))
    return Answer(status=found.status, body=found.body, retry_after=found.retry_after)


def settle(core: Core, attempt: Attempt, answer: Answer) -> None:
    """Notes what came of an attempt, and what follows for its webhook."""
    now = core.now()
    with core.db.begin() as tx:
        webhook = webhooks.locked(tx, attempt.webhook.id)
        if webhook is None:
            return
        verdict = judge(webhook, attempt.number, answer, now, random.random())
        counted = deliveries.settle(
            tx,
            attempt,
            status=verdict.status,
            next_at=verdict.next_at,
            response_status=answer.status,
            response_body_preview=answer.preview,
            error_message=answer.reason,
            delivered_at=now if verdict.status is DeliveryStatus.SUCCESS else None,
        )
        if not counted:
            return
        after = verdict.webhook
        webhooks.change(
            tx,
            webhook.id,
            enabled=after.enabled,
            auto_paused=after.auto_paused,
            trial_at=after.trial_at,
            consecutive_failures=after.consecutive_failures,
            last_delivery_at=after.last_delivery_at,
        )
        if webhook.auto_paused and after.enabled and deliveries.release(tx, webhook.id, now):
            core.db.after_commit(tx, lambda: core.webhook_kicks.kick((webhook.id,)))
        if not after.enabled and not after.auto_paused:
            deliveries.end_waiting(tx, webhook.id, now, DISABLED)
    _log(attempt, verdict.status, answer, paused=after.auto_paused and not webhook.auto_paused)


def _log(attempt: Attempt, status: DeliveryStatus, answer: Answer, *, paused: bool) -> None:
    """Without addresses, bodies and answers: they may tell what only the user of the webhook should know."""
    webhook = attempt.webhook
    if status is not DeliveryStatus.SUCCESS:
        said = "no answer" if answer.status is None else str(answer.status)
        logger.info("delivery %d to webhook %d: %s, %s", attempt.delivery_id, webhook.id, said, status.value)
    if paused:
        logger.warning("webhook %d is paused: it has failed too often", webhook.id)


def deliver(core: Core, webhook_id: int, *, seconds: float) -> None:
    """Sends what is due for one webhook until nothing is, or so many seconds are over: then the rest is kicked again.

    A receiver that does not answer ends it, too: the rest waits for the next sweep. Whatever ends it, a webhook of the
    same user that had no room meanwhile is kicked.
    """
    until = time.monotonic() + seconds
    user_id = None
    with ThreadPoolExecutor(PER_WEBHOOK) as pool:
        while attempts := claim(core, limit=PER_WEBHOOK, webhook_id=webhook_id):
            user_id = attempts[0].webhook.user_id
            answers = list(pool.map(lambda each: call(core, each), attempts))
            # One after the other: a container has one connection to the database.
            for attempt, answer in zip(attempts, answers, strict=True):
                settle(core, attempt, answer)
            if any(answer.status is None for answer in answers):
                break
            if time.monotonic() >= until:
                core.webhook_kicks.kick((webhook_id,))
                break
    if user_id is not None:
        _kick_another(core, user_id, webhook_id)


def _kick_another(core: Core, user_id: int, webhook_id: int) -> None:
    """One is enough: it kicks the next. Who had nothing to send kicks nobody, so kicks do not multiply."""
    with core.db.begin() as tx:
        waiting = deliveries.with_something_due(tx, core.now(), user_id=user_id, without=webhook_id, limit=1)
    if waiting:
        core.webhook_kicks.kick(waiting)


def sweep(core: Core) -> None:
    """Kicks webhooks that have something to send, gives up what nobody wants any more, forgets what is old."""
    now = core.now()
    before = now - core.policy.webhook_retention
    with core.db.begin() as tx:
        deliveries.end_disabled(tx, now, DISABLED)
        deliveries.end_old(tx, before, now, _TOO_OLD)
        deliveries.end_lost(tx, _MOST_BEGUN, now, _LOST)
        deliveries.prune(tx, before)
        due = deliveries.with_something_due(tx, now) if core.policy.webhooks else []
    if due:
        core.webhook_kicks.kick(due)
