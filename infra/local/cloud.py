"""The whole cloud on this machine, started part by part: each the real thing, or the nearest to it that runs here."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.event_sources import Lambda, Pollers, event_sources
from infra.local.processes import ROOT, Process
from shared.adapters.embedded_postgres import EmbeddedPostgres
from tests.support.ministack import LocalAws, free_port, running_ministack

STAGE = "local"
OSLS = ROOT / "infra" / "node_modules" / ".bin" / "osls"
#: What MiniStack makes of the template; the functions and their APIs run in serverless-offline.
_MADE_BY_MINISTACK = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy")
_START_SECONDS = 90
_ANSWERS = "answers at "

Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Cloud:
    """`http` and `websocket` are what API Gateway would answer at; `modal` is the stand-in's process."""

    http: str
    websocket: str
    functions: Lambda
    modal: Process


@contextmanager
def running(say: Say) -> Iterator[Cloud]:
    """Everything up, the database migrated. `say` hears who does what, as it happens."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cloud-local-")))
        # The embedded Postgres runs as a user of its own when this is root.
        folder.chmod(0o755)
        service = _printed_service()
        say("postgres", "starts")
        postgres = EmbeddedPostgres(folder / "postgres")
        database_url = postgres.start()
        stack.callback(postgres.stop)
        say("ministack", "starts: S3 and SQS")
        aws = stack.enter_context(running_ministack())
        names = _make_resources(aws, service)
        say("ministack", f"has made bucket and queues of serverless.yml: {', '.join(sorted(names))}")
        modal = _start_modal(stack, say)
        functions = _start_offline(stack, say, aws, names, {**_address(modal), "HANSARD_DATABASE_URL": database_url})
        cloud = Cloud(
            http=f"http://127.0.0.1:{functions.http}",
            websocket=f"ws://127.0.0.1:{functions.websocket}",
            functions=Lambda(f"http://127.0.0.1:{functions.functions}", str(service["service"]), STAGE),
            modal=modal,
        )
        pollers = Pollers(aws.client("sqs"), names, cloud.functions, lambda name, batch: _say_batch(say, name, batch))
        for step in ("pre", "post"):
            answer = cloud.functions.invoke("migrate", {"step": step})
            say("migrate", f"{step}: schema {answer['revision']}")
        pollers.start(event_sources(service))
        stack.callback(pollers.stop)
        yield cloud


def _printed_service() -> dict[str, Any]:
    """serverless.yml with everything it includes, for the stage `local`."""
    command = [str(OSLS), "print", "--stage", STAGE, "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


def _make_resources(aws: LocalAws, service: Mapping[str, Any]) -> dict[str, str]:
    """Bucket and queues of the template, made by CloudFormation; their names or addresses by their logical names."""
    template = _merged(service["resources"])
    kept = {
        name: resource for name, resource in template["Resources"].items() if resource["Type"] in _MADE_BY_MINISTACK
    }
    formation = aws.client("cloudformation")
    body = {"Resources": kept, "Parameters": template["Parameters"], "Conditions": template["Conditions"]}
    formation.create_stack(StackName="hansard-local", TemplateBody=json.dumps(body))
    formation.get_waiter("stack_create_complete").wait(StackName="hansard-local", WaiterConfig={"Delay": 1})
    made = formation.describe_stack_resources(StackName="hansard-local")["StackResources"]
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in made
        if resource["ResourceType"] != "AWS::SQS::QueuePolicy"
    }


def _merged(resources: Any) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {"Resources": {}, "Parameters": {}, "Conditions": {}}
    for fragment in resources if isinstance(resources, list) else [resources]:
        for section, content in merged.items():
            content.update((fragment or {}).get(section) or {})
    return merged


def _start_modal(stack: ExitStack, say: Say) -> Process:
    say("modal", "starts, and modal_app.py is deployed to it")
    environment = {"HANSARD_ENGINE": "pocketsphinx", "HANSARD_MODAL_GPU": "", "HANSARD_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-u", "-m", "infra.local.modal_server"]
    process = Process("modal", command, environment, say)
    stack.callback(process.stop)
    process.wait_for(_ANSWERS, _START_SECONDS)
    return process


def _address(modal: Process) -> dict[str, str]:
    """The environment that leads the real client to the stand-in."""
    line = modal.wait_for(_ANSWERS, _START_SECONDS)
    return dict(word.split("=", 1) for word in line.partition(_ANSWERS)[2].split())


@dataclass(frozen=True, slots=True)
class _Ports:
    http: int
    websocket: int
    functions: int


def _start_offline(
    stack: ExitStack, say: Say, aws: LocalAws, names: Mapping[str, str], more: Mapping[str, str]
) -> _Ports:
    ports = _Ports(free_port(), free_port(), free_port())
    environment = {
        **aws.environment,
        **more,
        "HANSARD_AUTH": "required",
        "HANSARD_SECRET": "not a secret: this cloud ends in a minute",
        "HANSARD_BUCKET": names["Bucket"],
        "HANSARD_JOBS_QUEUE_URL": names["JobsQueue"],
        "HANSARD_LIVE_QUEUE_URL": names["LiveQueue"],
        "HANSARD_WEBHOOKS_QUEUE_URL": names["WebhooksQueue"],
        "HANSARD_CONNECTIONS_URL": f"http://127.0.0.1:{ports.websocket}",
        "HANSARD_CALLBACK_URL": f"http://127.0.0.1:{ports.http}",
        "HANSARD_MODAL_APP": "hansard",
        # So that the minute of the sample is fanned out, too.
        "HANSARD_SLICE_SECONDS": "20",
        # serverless-offline takes the `python3` it finds.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
    }
    listen = ["--host", "127.0.0.1", "--httpPort", str(ports.http)]
    listen += ["--websocketPort", str(ports.websocket), "--lambdaPort", str(ports.functions)]
    options = ["--localEnvironment", "--noPrependStageInUrl", "--noSponsor"]
    command = [str(OSLS), "offline", "start", "--stage", STAGE, *listen, *options]
    say("offline", "starts: API Gateway (HTTP and WebSocket) and Lambda, from serverless.yml")
    process = Process("offline", command, environment, say)
    stack.callback(process.stop)
    process.wait_for("Server ready", _START_SECONDS)
    return ports


def _say_batch(say: Say, function: str, batch: list[Any]) -> None:
    for message in batch:
        say("sqs", f"-> {function} {_short(message)}")


def _short(message: Any) -> str:
    """A message, or what an event of S3 is about."""
    records = message.get("Records") if isinstance(message, dict) else None
    if not records:
        return json.dumps(message)
    return ", ".join(f"{record['eventName']} {record['s3']['object']['key']}" for record in records)
