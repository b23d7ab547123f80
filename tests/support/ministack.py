"""AWS on the loopback, in processes of its own: MiniStack, which checks signatures, and moto, which is strict about
uploads in parts."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from boto3.session import Session

from shared.adapters import aws
from tests.support.waiting import until

REGION = "eu-central-1"
_PROGRAMS = Path(sys.executable).parent
_NOWHERE = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "1"}


@dataclass(frozen=True)
class LocalAws:
    """`url` takes the requests of all services."""

    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs so that its boto3 comes here."""
        return {
            **_NOWHERE,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """For what a test makes and looks up."""
        return _client(self.url, service)

    def deployed_client(self, service: str) -> Any:
        """A client as the adapters make it."""
        return _deployed_client(self, service)

    def bucket(self) -> str:
        """A new one."""
        name = f"test-{uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def queue(self) -> str:
        """The address of a new one."""
        return self.client("sqs").create_queue(QueueName=f"test-{uuid4().hex}")["QueueUrl"]

    def messages(self, queue_url: str, count: int = 1, seconds: float = 10) -> list[Any]:
        """Takes `count` messages off a queue, read as JSON; waits for them."""
        sqs, found = self.client("sqs"), []

        def receive() -> bool:
            for message in sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", ()):
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            return len(found) >= count

        until(receive, seconds, lambda: found)
        return found


@cache
def _client(url: str, service: str) -> Any:
    session = Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return session.client(service, endpoint_url=url)


@cache
def _deployed_client(local: LocalAws, service: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_PROFILE", raising=False)
        for name, value in local.environment.items():
            patch.setenv(name, value)
        return aws.make_client(service)


@contextmanager
def running_ministack() -> Iterator[LocalAws]:
    port = free_port()
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LAMBDA_EXECUTOR": "local"}
    # These would listen on ports of their own, on all addresses.
    settings |= {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    with _running([str(_PROGRAMS / "ministack")], settings, f"http://127.0.0.1:{port}", "/_ministack/ready") as found:
        yield found


@contextmanager
def running_moto() -> Iterator[LocalAws]:
    port = free_port()
    command = [str(_PROGRAMS / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, {}, f"http://127.0.0.1:{port}", "/moto-api/data.json") as found:
        yield found


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextmanager
def _running(command: Sequence[str], settings: Mapping[str, str], url: str, ready: str) -> Iterator[LocalAws]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, **settings}
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=folder)
        try:
            until(lambda: process.poll() is not None or _answers(url + ready), told=log.read_text)
            assert process.poll() is None, log.read_text()
            yield LocalAws(url)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False
