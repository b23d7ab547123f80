"""Live updates through SQS: the function that tells watchers is invoked with the messages."""

from collections.abc import Callable
from typing import Any

from shared.adapters import aws

#: API Gateway takes nothing for a connection before the answer to its $connect is out.
_ESTABLISHED_SECONDS = 1
#: Somebody waits for the answer meanwhile. Watchers of the rest are told by the sweep, which finds who is behind.
_AT_ONCE = 500


class SqsLiveUpdates:
    """`queue_url` is the queue of live updates; `client` gives an SQS client. Nothing here raises: a lost message is
    made up for by the next one, or by the sweep."""

    def __init__(self, queue_url: str, client: Callable[[], Any] = lambda: aws.client("sqs")) -> None:
        self._queue_url = queue_url
        self._client = client

    def changed(self, *recording_ids: int) -> None:
        messages = [{"recording_id": each} for each in recording_ids[:_AT_ONCE]]
        aws.tell_each(self._client, self._queue_url, messages)

    def later(self, recording_id: int, seconds: float) -> None:
        """As `changed`, in `seconds`: for what was held back."""
        aws.tell(self._client, self._queue_url, {"recording_id": recording_id}, seconds=seconds)

    def refuse(self, connection_id: str, dialect: str) -> None:
        """Has a new connection told that there is no such recording."""
        message = {"connection_id": connection_id, "dialect": dialect, "refused": "not_found"}
        aws.tell(self._client, self._queue_url, message, seconds=_ESTABLISHED_SECONDS)
