"""SQS kicks: launches what is due, and ends work that nobody wants any more. The only function that talks to Modal."""

from typing import Any

from functions.aws.runtime import Answer, Event, each_message, launching_core


def handler(event: Event, _: Any) -> Answer:
    """A kick says only "look now", so once is enough for a batch; twice, late or out of order does no harm."""
    from shared.services import attempts

    launching = launching_core()

    def handle(message: dict[str, Any]) -> None:
        if message["kind"] == "cancel":
            launching.launcher.cancel(message["reference"])

    answer = each_message(event, handle)
    # If this fails, the whole batch comes again.
    while attempts.launch_due(launching):
        pass
    return answer
