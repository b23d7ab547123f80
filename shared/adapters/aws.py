"""Clients of AWS: made at first use, kept, and patient within what an API call may take."""

import json
import logging
import math
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

logger = logging.getLogger("hansard.aws")

#: Seconds to connect, seconds without a byte, attempts. Behind API Gateway all of it has 30 s.
_PATIENCE = {"s3": (3, 20, 3), "sqs": (2, 3, 2), "ssm": (3, 5, 4)}
#: As many messages as SQS takes in one request.
_BATCH = 10
_lock = threading.Lock()


def client(service: str) -> Any:
    """The one client of this process for `service`: s3, sqs or ssm. Raises what botocore raises."""
    with _lock:
        return _kept(service)


@cache
def _kept(service: str) -> Any:
    return make_client(service)


def make_client(service: str) -> Any:
    """A new client with the credentials, region and AWS_ENDPOINT_URL that boto3 finds."""
    made = _made(service, "virtual")
    host = urlsplit(made.meta.endpoint_url).hostname or ""
    if service == "s3" and not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        # Another store than Amazon's has no host name for each bucket.
        return _made(service, "path")
    return made


def _made(service: str, addressing_style: str) -> Any:
    from boto3.session import Session
    from botocore.config import Config

    connect_seconds, read_seconds, attempts = _PATIENCE[service]
    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        signature_version="s3v4" if service == "s3" else None,
        # Unless both are said, presigned addresses lead to the global endpoint, which redirects for a new bucket.
        s3={"addressing_style": addressing_style, "us_east_1_regional_endpoint": "regional"},
        # Bodies are signed with their SHA-256 already; other stores than Amazon's do not know the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # Not boto3.client: the session behind that is shared with whoever else uses it.
    return Session().client(service, config=config)


def tell(sqs: Any, queue_url: str, message: object, *, seconds: float = 0) -> None:
    """Puts `message` as JSON into a queue, to be seen `seconds` later (900 at most).

    `sqs` gives the client. Raises nothing: what the message would have said, the sweep finds out later.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        delay = min(900, math.ceil(seconds))
        sqs().send_message(QueueUrl=queue_url, MessageBody=json.dumps(message), DelaySeconds=delay)
    except (BotoCoreError, ClientError) as error:
        logger.warning("%s did not get into %s: %s", message, queue_url.rpartition("/")[2], error)


def tell_each(sqs: Any, queue_url: str, messages: Sequence[object]) -> None:
    """As `tell`, for several messages, as many in a request as SQS takes."""
    from botocore.exceptions import BotoCoreError, ClientError

    for first in range(0, len(messages), _BATCH):
        batch = messages[first : first + _BATCH]
        entries = [{"Id": str(place), "MessageBody": json.dumps(each)} for place, each in enumerate(batch)]
        try:
            answer = sqs().send_message_batch(QueueUrl=queue_url, Entries=entries)
            lost = [batch[int(failed["Id"])] for failed in answer.get("Failed", ())]
        except (BotoCoreError, ClientError) as error:
            logger.warning("%s did not get into %s: %s", [*batch], queue_url.rpartition("/")[2], error)
        else:
            if lost:
                logger.warning("%s did not get into %s", lost, queue_url.rpartition("/")[2])
