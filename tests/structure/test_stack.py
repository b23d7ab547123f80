"""What `osls package` makes of serverless.yml: storage and the edge, the stack in MiniStack, and on one machine."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.ministack import LocalAws, free_port
from tests.support.template import OSLS, PROGRAMS, ROOT, Template
from tests.support.waiting import until

# Storage


def test_the_audio_is_private_and_nobody_deletes_it_with_the_stack(template: Template) -> None:
    bucket = template.resources["Bucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket["Properties"]
    (statement,) = template.of("S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_unfinished_uploads_go_and_audio_stays_unless_it_is_told_to(template: Template) -> None:
    unfinished, audio = template.of("S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert audio["Fn::If"][0] == "AudioExpires"
    assert template.whole["Parameters"]["AudioDays"]["Default"] == "0"


@pytest.fixture(scope="session")
def stack(template: Template, ministack: LocalAws) -> Iterator[dict[str, str]]:
    """The whole template as it comes up in MiniStack; the outputs."""
    whole = json.loads(template.file.read_text())
    # It does not know deployments of API Gateway. Without the mappings, messages stay where a test can see them.
    missing = {"AWS::ApiGatewayV2::Deployment", "AWS::Lambda::EventSourceMapping"}
    whole["Resources"] = {name: it for name, it in whole["Resources"].items() if it["Type"] not in missing}
    whole["Resources"]["WebsocketsDeploymentStage"]["Properties"].pop("DeploymentId")
    code = ministack.bucket()
    storage = ministack.client("s3")
    storage.upload_file(str(template.file.parents[1] / "hansard.zip"), code, "hansard.zip")
    for it in whole["Resources"].values():
        if it["Type"] == "AWS::Lambda::Function":
            it["Properties"]["Code"] = {"S3Bucket": code, "S3Key": "hansard.zip"}
    storage.put_object(Bucket=code, Key="template.json", Body=json.dumps(whole))
    stacks = ministack.client("cloudformation")
    where = f"{ministack.url}/{code}/template.json"
    stacks.create_stack(StackName="hansard-prod", TemplateURL=where, Capabilities=["CAPABILITY_IAM"])

    def described() -> Any:
        return stacks.describe_stacks(StackName="hansard-prod")["Stacks"][0]

    until(lambda: described()["StackStatus"] != "CREATE_IN_PROGRESS")
    assert described()["StackStatus"] == "CREATE_COMPLETE"
    yield {output["OutputKey"]: output["OutputValue"] for output in described()["Outputs"]}
    # Else its schedule goes on.
    stacks.delete_stack(StackName="hansard-prod")


def test_the_stack_comes_up_and_an_upload_is_announced(stack: dict[str, str], ministack: LocalAws) -> None:
    queue = ministack.client("sqs").list_queues(QueueNamePrefix="hansard-prod-UploadsQueue")["QueueUrls"][0]
    storage = ministack.client("s3")
    storage.put_object(Bucket=stack["Bucket"], Key="audio/one", Body=b"not announced")
    storage.put_object(Bucket=stack["Bucket"], Key="uploads/two", Body=b"announced")
    told = [message for message in ministack.messages(queue) if "Records" in message]
    announced = [record["s3"]["object"]["key"] for message in told for record in message["Records"]]
    assert announced == ["uploads/two"]


# The edge


def test_everything_reaches_the_origin_and_nothing_is_kept(template: Template) -> None:
    distribution = template.of("CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    behavior = distribution["DefaultCacheBehavior"]
    assert set(behavior["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"}
    # The managed policies CachingDisabled and AllViewerExceptHostHeader, by the ids that AWS gave them.
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    # Tokens may stand in queries, and logs keep queries.
    assert "Logging" not in distribution


def test_the_edge_function_knows_its_stage_and_its_origin(template: Template) -> None:
    code = template.of("CloudFront::Function")["EdgeFunction"]["FunctionCode"]
    assert "var STAGE = '/prod';" in code
    chosen = re.findall(r"selectRequestOriginById\('(\w+)'\)", code)
    origins = template.of("CloudFront::Distribution")["Distribution"]["DistributionConfig"]["Origins"]
    assert set(chosen) <= {origin["Id"] for origin in origins if "Id" in origin}


def test_live_audio_has_a_path_only_where_somebody_takes_it(template: Template) -> None:
    behaviors = template.of("CloudFront::Distribution")["Distribution"]["DistributionConfig"]["CacheBehaviors"]
    condition, (live,), otherwise = behaviors["Fn::If"]
    assert (condition, live["PathPattern"], live["TargetOriginId"]) == ("HasModalHost", "/ws/*", "modal")
    assert otherwise == {"Ref": "AWS::NoValue"}


# One machine


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[str]:
    """serverless-offline with the stage `local`, for HTTP and WebSockets; where it answers HTTP."""
    ports = {name: str(free_port()) for name in ("httpPort", "websocketPort", "lambdaPort")}
    options = [option for name, port in ports.items() for option in (f"--{name}", port)]
    command = [str(OSLS), "offline", "start", "--stage", "local", "--host", "127.0.0.1", *options]
    # It looks for `python3` on the path.
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "AWS_REGION": "eu-central-1"}
    environment |= {"HANSARD_DATABASE_URL": "mysql://nobody@127.0.0.1/none"}
    log = tmp_path / "log"
    with log.open("wb") as output:
        # A session of its own: its Python processes end with it.
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        until(lambda: process.poll() is not None or "Server ready" in log.read_text(), told=log.read_text)
        assert process.poll() is None, log.read_text()
        with socket.create_connection(("127.0.0.1", int(ports["websocketPort"])), timeout=10):
            yield f"http://127.0.0.1:{ports['httpPort']}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_one_machine_runs_this_very_file_with_settings_from_the_environment(offline: str) -> None:
    answer = httpx2.post(f"{offline}/jobs/1", content=b"{}", timeout=60)
    assert answer.json() == {"detail": "The database has to be a PostgreSQL; the address says mysql."}
