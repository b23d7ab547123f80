"""What Lambda does with SQS: takes batches off the queues, invokes the functions, deletes what they have handled."""

import json
import logging
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("cloud-local")

_WAIT_SECONDS = 1
_INVOKE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class EventSource:
    """`queue` is the logical name in the template."""

    function: str
    queue: str
    batch_size: int


def event_sources(service: Mapping[str, Any]) -> list[EventSource]:
    """The SQS triggers of a serverless.yml, as `osls print` shows it."""
    return [
        EventSource(name, event["sqs"]["arn"]["Fn::GetAtt"][0], event["sqs"].get("batchSize", 10))
        for name, function in service["functions"].items()
        for event in function.get("events", ())
        if "sqs" in event
    ]


class Lambda:
    """The functions as serverless-offline runs them. `url` is its Lambda endpoint."""

    def __init__(self, url: str, service: str, stage: str) -> None:
        self._prefix = f"{url}/2015-03-31/functions/{service}-{stage}-"

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Raises OSError, and RuntimeError for a function that failed."""
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{self._prefix}{function}/invocations", json.dumps(event).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_INVOKE_SECONDS) as response:  # noqa: S310
            answer = json.loads(response.read() or b"null")
        if isinstance(answer, dict) and "errorMessage" in answer:
            raise RuntimeError(f"{function}: {answer['errorMessage']}")
        return answer


class Pollers:
    """One thread per event source. `told` hears the function and the bodies of each batch."""

    def __init__(
        self, sqs: Any, queue_urls: Mapping[str, str], functions: Lambda, told: Callable[[str, list[Any]], None]
    ) -> None:
        self._sqs = sqs
        self._queue_urls = queue_urls
        self._functions = functions
        self._told = told
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, sources: list[EventSource]) -> None:
        for source in sources:
            thread = threading.Thread(target=self._poll, args=(source,), name=source.function, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, source: EventSource) -> None:
        url = self._queue_urls[source.queue]
        while not self._stopping.is_set():
            try:
                self._once(source, url)
            except Exception:  # a worker loop: the messages come again
                if not self._stopping.wait(0.5):
                    logger.exception("%s failed", source.function)

    def _once(self, source: EventSource, url: str) -> None:
        received = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=min(10, source.batch_size), WaitTimeSeconds=_WAIT_SECONDS
        )
        messages = received.get("Messages", [])
        if not messages or self._stopping.is_set():
            return
        self._told(source.function, [json.loads(message["Body"]) for message in messages])
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
        answer = self._functions.invoke(source.function, {"Records": records}) or {}
        failed = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", ())}
        for message in messages:
            if message["MessageId"] in failed:
                # Lambda would wait for the visibility timeout, which is minutes.
                self._sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=1
                )
            else:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
