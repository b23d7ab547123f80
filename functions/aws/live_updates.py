"""SQS messages "this recording has news": tells its watchers, by way of API Gateway's @connections."""

from typing import Any

from functions.aws.runtime import Answer, Event, connections, core, each_message, live
from shared.dialects.saled import events as saled

PHRASINGS = {"saled": saled.PHRASING}
#: Seconds after which what was held back, or did not arrive, is tried again.
_LATER = 1


def handler(event: Event, _: Any) -> Answer:
    told: set[int] = set()

    def handle(message: dict[str, Any]) -> None:
        if "refused" in message:
            _refuse(message)
        elif message["recording_id"] not in told:
            # A batch may say the same many times.
            told.add(message["recording_id"])
            _tell(message["recording_id"])

    return each_message(event, handle)


def _tell(recording_id: int) -> None:
    from shared.services.broadcast import broadcast

    if not broadcast(core(), connections(), PHRASINGS, recording_id):
        live().later(recording_id, _LATER)


def _refuse(message: dict[str, Any]) -> None:
    """Somebody watches what does not exist: this API says so on the open socket, and closes it."""
    connection_id = message["connection_id"]
    connections().send({connection_id: [PHRASINGS[message["dialect"]].gone]})
    connections().close([connection_id])
