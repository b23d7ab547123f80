"""`make deploy`: Modal first, then AWS, with the migrations around the new code. Ends at the first error.

Modal first, because a task of today's Lambdas has to find a worker that understands it, and tomorrow's worker does.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "build" / "hansard.zip"
#: Parameters below /hansard/STAGE in SSM; docs/deploy.md says what they are.
SECRETS = {"database_url", "secret"}
MODAL_SECRETS = {"modal_token_id", "modal_token_secret"}
OWN_WORKER = "worker_url"

Run = Callable[[Sequence[str]], object]


class Stop(Exception):
    """A sentence for the operator."""


class Aws:
    """What the deployment asks of AWS by itself; osls does the rest."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.region: str = session.region_name

    def account(self) -> str:
        """Raises Stop without usable credentials."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self.session.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise Stop(f"AWS does not know us: {error} Set AWS_PROFILE, or log in with the aws command.") from error

    def parameters(self, path: str) -> set[str]:
        """The names below `path`, without it."""
        pages = self.session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        return {found["Name"].rpartition("/")[2] for page in pages for found in page["Parameters"]}

    def has_function(self, name: str) -> bool:
        functions = self.session.client("lambda")
        try:
            functions.get_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            return False
        return True

    def update_code(self, name: str, bundle: bytes) -> None:
        """Returns when the function runs the new code."""
        functions = self.session.client("lambda")
        functions.update_function_code(FunctionName=name, ZipFile=bundle)
        functions.get_waiter("function_updated_v2").wait(FunctionName=name)

    def invoke(self, name: str, payload: dict[str, str]) -> str:
        """What the function answers, as JSON. Raises Stop when it raises an error."""
        from botocore.config import Config

        # A migration may take its time, and must not be started twice.
        patient = Config(read_timeout=910, retries={"total_max_attempts": 1})
        functions = self.session.client("lambda", config=patient)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        said = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise Stop(f"{name} {json.dumps(payload)} failed: {said}")
        return said

    def outputs(self, stack: str) -> dict[str, str]:
        found = self.session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def deploy(stage: str, aws: Aws, run: Run, bundle: Path, osls_arguments: Sequence[str] = ()) -> None:
    """The whole deployment. `run` runs a command and raises CalledProcessError when that fails. Raises Stop."""
    _say(f"Deploying stage {stage} to AWS account {aws.account()}, region {aws.region}.")
    given = aws.parameters(f"/hansard/{stage}")
    _check_secrets(stage, given)
    if OWN_WORKER not in given:
        run([str(Path(sys.executable).with_name("modal")), "deploy", "modal_app.py", "--env", stage])
    migrate = f"hansard-{stage}-migrate"
    if aws.has_function(migrate):
        # Only the new code knows the new migrations.
        aws.update_code(migrate, bundle.read_bytes())
        _say(f"Before the new code: {aws.invoke(migrate, {'step': 'pre'})}")
    osls = str(ROOT / "infra" / "node_modules" / ".bin" / "osls")
    run([osls, "deploy", "--stage", stage, "--region", aws.region, *osls_arguments])
    _say(f"After the new code: {aws.invoke(migrate, {'step': 'post'})}")
    _say_addresses(aws.outputs(f"hansard-{stage}"))


def _check_secrets(stage: str, given: set[str]) -> None:
    missing = (SECRETS if OWN_WORKER in given else SECRETS | MODAL_SECRETS) - given
    if missing:
        names = ", ".join(f"/hansard/{stage}/{name}" for name in sorted(missing))
        raise Stop(f"These SSM parameters are missing: {names}. docs/deploy.md says how to make them.")


def _say_addresses(outputs: dict[str, str]) -> None:
    _say(f"Hansard answers at {outputs['Address']}")
    _say(f"Workers report to  {outputs['HttpApiUrl']}")
    _say(f"The audio is in    s3://{outputs['Bucket']}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("stage")
    arguments, osls_arguments = parser.parse_known_args()
    region = boto3.Session().region_name or "us-east-1"
    try:
        deploy(arguments.stage, Aws(boto3.Session(region_name=region)), _run, BUNDLE, osls_arguments)
    except (Stop, subprocess.CalledProcessError) as error:
        sys.exit(f"Stopped: {error}")


if __name__ == "__main__":
    main()
