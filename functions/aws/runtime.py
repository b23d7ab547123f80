"""What the triggers share: one Core per container, and batches of which single messages may fail.

A trigger imports what it takes to read its event; the use cases and the database come with the first message. So a
container is ready soon (tests/structure/test_cold_start.py), and an import that fails is an error of a message, which
the queue keeps, rather than of a container.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.adapters.sqs_live import SqsLiveUpdates
    from shared.ports import Connections
    from shared.services.core import Core

logger = logging.getLogger("hansard.aws")

Event = Mapping[str, Any]
#: What a trigger answers: partial failures of a batch, or an HTTP response.
Answer = dict[str, Any]


def core() -> "Core":
    """Made at the first call and kept as long as the container lives."""
    from shared.wiring import cloud

    return cloud.core()


def launching_core() -> "Core":
    """For the one function that starts work."""
    from shared.wiring import cloud

    return cloud.launching_core()


def live() -> "SqsLiveUpdates":
    """The queue of live updates: what the port says, and messages for later."""
    from shared.wiring import cloud

    return cloud.live()


def connections() -> "Connections":
    from shared.wiring import cloud

    return cloud.connections()


def each_message(event: Event, handle: Callable[[Any], object]) -> Answer:
    """Hands over the messages of an SQS batch, one by one. Those that fail come again, after a while, alone."""
    failed = []
    for record in event["Records"]:
        try:
            handle(json.loads(record["body"]))
        except Exception:  # a door: the queue keeps the message, and in the end its dead-letter queue
            logger.exception("message %s failed", record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
