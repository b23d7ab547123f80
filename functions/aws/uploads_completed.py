"""S3 events, by way of SQS: an object has arrived under `uploads/`."""

from typing import Any
from urllib.parse import unquote_plus

from functions.aws.runtime import Answer, Event, core, each_message


def handler(event: Event, _: Any) -> Answer:
    """An event that comes before its upload is known fails, and comes again."""
    return each_message(event, _arrived)


def _arrived(message: dict[str, Any]) -> None:
    from shared.services import uploads

    # S3 says hello with a message of another shape when the notification is set up.
    for record in message.get("Records", ()):
        # Spaces and other characters of keys are encoded as in a form.
        uploads.arrived(core(), unquote_plus(record["s3"]["object"]["key"]))
