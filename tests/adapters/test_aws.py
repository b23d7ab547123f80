"""When AWS's SDK is loaded, and how often its clients are made."""

import os
import subprocess
import sys

from tests.support.ministack import LocalAws
from tests.support.server import ROOT


def run(code: str) -> str:
    environment = {**os.environ, **LocalAws("http://127.0.0.1:1").environment}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_loaded_before_something_is_asked() -> None:
    code = """
import sys
from shared.adapters import gateway_connections, s3_store, sqs_kicks, sqs_launcher, sqs_live, ssm_secrets
s3_store.S3Store("bucket").create("audio/one").write(b"abc")
sqs_kicks.SqsKicks("queue"), sqs_live.SqsLiveUpdates("queue"), sqs_launcher.SqsLauncher("queue").capacity()
gateway_connections.GatewayConnections("https://here/prod").send({})
print(*(name for name in ("boto3", "botocore") if name in sys.modules))
"""
    assert run(code) == ""


def test_each_client_is_made_once_whoever_asks_first() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
from shared.adapters import aws
with ThreadPoolExecutor(8) as threads:
    made = list(threads.map(lambda number: aws.client(("s3", "sqs")[number % 2]), range(16)))
print(len(set(map(id, made))), *sorted(client.meta.service_model.service_name for client in set(made)))
"""
    assert run(code) == "2 s3 sqs"
