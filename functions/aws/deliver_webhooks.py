"""SQS kicks for webhooks. There are no webhooks yet, so there is nothing to deliver; the place is ready for them."""

from typing import Any

from functions.aws.runtime import Answer, Event, each_message


def handler(event: Event, _: Any) -> Answer:
    return each_message(event, lambda message: None)
