"""The launcher of functions that hold no key to Modal: through SQS they tell the one that does what to end."""

from collections.abc import Callable
from typing import Any

from shared.adapters import aws
from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeTask


class SqsLauncher:
    """`queue_url` is the queue of jobs; `client` gives an SQS client."""

    def __init__(self, queue_url: str, client: Callable[[], Any] = lambda: aws.client("sqs")) -> None:
        self._queue_url = queue_url
        self._client = client

    def capacity(self) -> int:
        return 0

    def launch(self, task: TranscribeTask) -> str:
        """Raises Unavailable, always."""
        raise Unavailable(f"Job {task.job_id} cannot be launched from here; a kick has it launched.")

    def cancel(self, reference: str) -> None:
        """Raises nothing: work that is not ended is told to stop at its next report."""
        aws.tell(self._client, self._queue_url, {"kind": "cancel", "reference": reference})
