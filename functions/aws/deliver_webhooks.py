"""SQS messages "this webhook has something to send": sends it, a few at a time."""

from typing import Any

from functions.aws.runtime import Answer, Event, core, each_message

#: Then another invocation goes on, so that no receiver keeps one for long.
_SECONDS = 20


def handler(event: Event, _: Any) -> Answer:
    """A kick twice, late or out of order does no harm: the rows say what is due."""
    return each_message(event, _deliver)


def _deliver(message: dict[str, Any]) -> None:
    from shared.services import deliveries

    deliveries.deliver(core(), message["webhook_id"], seconds=_SECONDS)
