"""Kicks through SQS: the function that launches jobs is invoked with the message."""

from collections.abc import Callable
from typing import Any

from shared.adapters import aws


class SqsKicks:
    """`queue_url` is the queue of jobs; `client` gives an SQS client."""

    def __init__(self, queue_url: str, client: Callable[[], Any] = lambda: aws.client("sqs")) -> None:
        self._queue_url = queue_url
        self._client = client

    def kick(self) -> None:
        aws.tell(self._client, self._queue_url, {"kind": "launch"})
