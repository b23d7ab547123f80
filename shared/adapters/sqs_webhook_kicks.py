"""Kicks for webhooks through SQS: a message per webhook, so that a slow receiver holds up its own only."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.adapters import aws


class SqsWebhookKicks:
    """`queue_url` is the queue of webhooks; `client` gives an SQS client. Raises nothing: the sweep kicks again."""

    def __init__(self, queue_url: str, client: Callable[[], Any] = lambda: aws.client("sqs")) -> None:
        self._queue_url = queue_url
        self._client = client

    def kick(self, webhook_ids: Sequence[int]) -> None:
        aws.tell_each(self._client, self._queue_url, [{"webhook_id": each} for each in webhook_ids])
