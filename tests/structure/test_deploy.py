"""`make deploy`: what happens in which order, and that it ends where something is wrong."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from boto3.session import Session

from infra.deploy import Aws, Stop, deploy
from tests.support.ministack import REGION, LocalAws

ROOT = Path(__file__).parents[2]
SECRETS = ("database_url", "modal_token_id", "modal_token_secret", "secret")
MIGRATE = """
def handler(event, context):
    if {fails}:
        raise RuntimeError("a column is in the way")
    return {{"code": {code!r}, "step": event["step"]}}
"""


class LocalSession:
    """A boto3 session whose clients talk to MiniStack."""

    region_name = REGION

    def __init__(self, ministack: LocalAws) -> None:
        self._session = Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self._url = ministack.url

    def client(self, service: str, config: Any = None) -> Any:
        return self._session.client(service, endpoint_url=self._url, config=config)


class Stage:
    """A stage of its own in MiniStack, and a deployment whose commands are only written down."""

    def __init__(self, ministack: LocalAws, folder: Path, parameters: Sequence[str] = SECRETS) -> None:
        self.name = f"test{uuid4().hex[:8]}"
        self.function = f"hansard-{self.name}-migrate"
        self.ministack = ministack
        self.bundle = folder / "hansard.zip"
        self.bundle.write_bytes(migrate_code("new"))
        self.fails: str | None = None
        for name in parameters:
            ssm = ministack.client("ssm")
            ssm.put_parameter(Name=f"/hansard/{self.name}/{name}", Value="x", Type="SecureString")

    def has_migrated_before(self, *, fails: bool = False) -> None:
        self.bundle.write_bytes(migrate_code("new", fails=fails))
        self._create_function("old")

    def _create_function(self, code: str) -> None:
        self.ministack.client("lambda").create_function(
            FunctionName=self.function,
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/test",
            Handler="migrate.handler",
            Code={"ZipFile": migrate_code(code)},
        )

    def deploy(self, *arguments: str) -> None:
        deploy(self.name, Aws(LocalSession(self.ministack)), self._run, self.bundle, arguments)

    def _run(self, command: Sequence[str]) -> None:
        program = Path(command[0]).name
        sys.stdout.write(" ".join([program, *command[1:]]) + "\n")
        if program == self.fails:
            raise subprocess.CalledProcessError(1, command)
        if program == "osls":
            self._come_up()

    def _come_up(self) -> None:
        functions = self.ministack.client("lambda")
        if not Aws(LocalSession(self.ministack)).has_function(self.function):
            self._create_function("new")
        outputs = {name: {"Value": f"the {name}"} for name in ("Address", "HttpApiUrl", "Bucket")}
        # A template needs a resource.
        body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
        stacks = self.ministack.client("cloudformation")
        stacks.create_stack(StackName=f"hansard-{self.name}", TemplateBody=json.dumps(body))
        stacks.get_waiter("stack_create_complete").wait(
            StackName=f"hansard-{self.name}", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        functions.get_waiter("function_active_v2").wait(FunctionName=self.function)


def migrate_code(code: str, *, fails: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("migrate.py", MIGRATE.format(code=code, fails=fails))
    return out.getvalue()


def said(capsys: pytest.CaptureFixture[str], stage: Stage) -> list[str]:
    return capsys.readouterr().out.replace(stage.name, "STAGE").splitlines()


MODAL = "modal deploy modal_app.py --env STAGE"
OSLS = f"osls deploy --stage STAGE --region {REGION}"
PRE = 'Before the new code: {"code": "new", "step": "pre"}'
POST = 'After the new code: {"code": "new", "step": "post"}'


def test_the_first_deployment_migrates_afterwards(
    ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path)
    stage.deploy()
    greeting, *steps, answers, _, _ = said(capsys, stage)
    assert greeting == f"Deploying stage STAGE to AWS account 000000000000, region {REGION}."
    assert steps == [MODAL, OSLS, POST]
    assert answers == "Hansard answers at the Address"


def test_later_ones_migrate_before_and_after_with_the_new_code(
    ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path)
    stage.has_migrated_before()
    stage.deploy("--param", "maxJobs=3")
    assert said(capsys, stage)[1:5] == [MODAL, PRE, f"{OSLS} --param maxJobs=3", POST]


def test_a_missing_secret_stops_it_before_anything_has_changed(
    ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path, parameters=["secret", "modal_token_id"])
    with pytest.raises(Stop) as stopped:
        stage.deploy()
    missing = f"/hansard/{stage.name}/database_url, /hansard/{stage.name}/modal_token_secret"
    assert str(stopped.value).startswith(f"These SSM parameters are missing: {missing}. ")
    assert len(said(capsys, stage)) == 1


def test_with_a_worker_of_ones_own_nothing_of_modal_is_needed(
    ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path, parameters=["secret", "database_url", "worker_url"])
    stage.deploy()
    assert said(capsys, stage)[1:3] == [OSLS, POST]


@pytest.mark.parametrize(("program", "steps"), [("modal", [MODAL]), ("osls", [MODAL, PRE, OSLS])])
def test_a_step_that_fails_is_the_last(
    program: str, steps: list[str], ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path)
    stage.has_migrated_before()
    stage.fails = program
    with pytest.raises(subprocess.CalledProcessError):
        stage.deploy()
    assert said(capsys, stage)[1:] == steps


def test_a_migration_that_fails_keeps_the_old_code(
    ministack: LocalAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(ministack, tmp_path)
    stage.has_migrated_before(fails=True)
    with pytest.raises(Stop, match="a column is in the way"):
        stage.deploy()
    assert said(capsys, stage)[1:] == [MODAL]


def test_without_credentials_it_says_what_to_do() -> None:
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    environment = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "1", **nothing}
    command = [sys.executable, "-m", "infra.deploy", "prod"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped: AWS does not know us: Unable to locate credentials")
