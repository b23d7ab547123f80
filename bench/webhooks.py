"""Webhooks: how soon after the commit a receiver is called, and what receivers that hang cost the others.

The receivers are on the loopback, in a process of their own; the database is an embedded Postgres.
Run: python -m bench.webhooks
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bench.broadcast import fresh_world
from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.local_webhooks import LocalWebhooks
from shared.domain.policy import Policy
from shared.domain.webhooks import WebhookEvent
from shared.services import deliveries, outbox, webhooks
from shared.services.core import Core
from shared.services.webhooks import WebhookChange
from tests.support.world import World

RECEIVERS, HANGING, DELIVERIES, FIRSTS = 50, 5, 1_000, 200


def main() -> None:
    with fresh_world() as world, receivers(healthy=RECEIVERS - HANGING, hanging=HANGING) as urls:
        dispatcher = LocalWebhooks()
        core = replace(
            world.core,
            webhook_kicks=dispatcher,
            webhook_sender=HttpWebhookSender("^127.0.0.1$"),
            policy=Policy(webhooks_per_user=RECEIVERS),
            now=lambda: datetime.now(UTC),
        )
        first = _webhook(core, world, urls[0], "recording.updated")
        dispatcher.start(lambda room: deliveries.claim(core, limit=room), lambda each: deliveries.send(core, each))
        _firsts(core, world, first)
        webhooks.delete(core, world.ann, first)
        _many(core, world, urls)
        dispatcher.stop()


def _firsts(core: Core, world: World, webhook_id: int) -> None:
    taken = []
    for _ in range(FIRSTS):
        _happen(core, world, WebhookEvent.UPDATED, 1)
        committed = time.time()
        (row,) = _until(world, f"webhook_id = {webhook_id} AND next_at IS NULL ORDER BY id DESC LIMIT 1", 1)
        taken.append(row.delivered_at.timestamp() - committed)
        world.rows("DELETE FROM webhook_deliveries RETURNING id")
    low, high = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    print(f"first attempt, answered, after the commit: p50 {low * 1e3:.0f} ms, p95 {high * 1e3:.0f} ms (target <= 1 s)")


def _many(core: Core, world: World, urls: list[str]) -> None:
    """The rows of all webhooks are due at the same moment."""
    ids = [_webhook(core, world, url, "recording.deleted") for url in urls]
    healthy = ", ".join(map(str, ids[: RECEIVERS - HANGING]))
    began = time.perf_counter()
    _happen(core, world, WebhookEvent.DELETED, DELIVERIES // RECEIVERS)
    wanted = (RECEIVERS - HANGING) * DELIVERIES // RECEIVERS
    _until(world, f"webhook_id IN ({healthy}) AND status = 'success'", wanted)
    print(
        f"{DELIVERIES:,} deliveries to {RECEIVERS} receivers of which {HANGING} hang: "
        f"the {wanted} healthy ones done in {time.perf_counter() - began:.1f} s (target <= 10 s)"
    )


def _webhook(core: Core, world: World, url: str, event: str) -> int:
    return webhooks.create(core, world.ann, WebhookChange(name="bench", url=url, events=[event])).id


def _happen(core: Core, world: World, event: WebhookEvent, count: int) -> None:
    with core.db.begin() as tx:
        data = [{"recording_id": number, "title": "A recording"} for number in range(count)]
        outbox.announce_all(core, tx, world.ann.user_id, event, data)


def _until(world: World, which: str, count: int) -> list[Any]:
    """The deliveries of which that is true, once there are so many."""
    while len(found := world.rows(f"SELECT delivered_at FROM webhook_deliveries WHERE {which}")) < count:
        time.sleep(0.01)
    return found


@contextmanager
def receivers(*, healthy: int, hanging: int) -> Iterator[list[str]]:
    """Their addresses, the healthy ones first."""
    command = [sys.executable, "-c", _RECEIVERS, str(healthy), str(hanging)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().split()
        # It ends with its standard input.
        process.stdin.close()


_RECEIVERS = """
import sys
from contextlib import ExitStack
from tests.support.receiver import Receiver

with ExitStack() as stack:
    all = [stack.enter_context(Receiver()) for _ in range(int(sys.argv[1]) + int(sys.argv[2]))]
    for receiver in all[int(sys.argv[1]):]:
        receiver.answer = receiver.hang
    print(*(receiver.url for receiver in all), flush=True)
    sys.stdin.read()
"""


if __name__ == "__main__":
    main()
