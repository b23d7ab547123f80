"""What `osls package` makes of serverless.yml: permissions, functions, queues and alarms."""

import ast
import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from infra import bundle, deploy
from shared.wiring.settings import Settings
from tests.support.template import PROGRAMS, ROOT, Template

Triple = tuple[str, str, str]


@pytest.mark.parametrize("name", ["template", "aurora"])
def test_cloudformation_has_nothing_to_object(name: str, request: pytest.FixtureRequest) -> None:
    file = request.getfixturevalue(name).file
    # The two that `make package` leaves out, too; the Makefile says why.
    command = [str(PROGRAMS / "cfn-lint"), "--ignore-checks", "W3005", "W1030", "--template", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# Permissions


def as_list(one_or_more: Any) -> list[Any]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def label(resource: Any) -> str:
    """A resource as the table of docs/deploy.md calls it."""
    match resource:
        case {"Fn::GetAtt": [name, "Arn"]}:
            return "its log group" if name.endswith("LogGroup") else name
        case {"Fn::Sub": text} if "@connections" in text:
            assert "${WebsocketsApi}/prod/" in text
            return "@connections"
        case {"Fn::Sub": text} if ":parameter/" in text:
            return text.partition(":parameter")[2].replace("prod", "STAGE")
        case {"Fn::Sub": text}:
            return text.replace("${Bucket.Arn}", "Bucket")
    return resource


def allowed(policy: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
        found |= {(action, label(resource)) for action in actions for resource in resources}
    return found


def permissions(template: Template) -> set[Triple]:
    roles, found = template.of("IAM::Role"), set()
    for name, function in template.functions().items():
        for policy in roles[function["Role"]["Fn::GetAtt"][0]]["Policies"]:
            found |= {(name, *pair) for pair in allowed(policy["PolicyDocument"])}
    return found


def table() -> list[tuple[str, set[tuple[str, str]]]]:
    """Rows of the table of permissions: function, and pairs of action and resource."""
    rows = re.findall(r"^\| (.+?) \| (`[\w-]+:.+?) \| (.+?) \| .+ \|$", (ROOT / "docs" / "deploy.md").read_text(), re.M)
    assert rows
    return [
        (function.strip("`"), {(a, r) for a in re.findall(r"`(.+?)`", actions) for r in re.findall(r"`(.+?)`", where)})
        for function, actions, where in rows
    ]


def test_every_permission_is_explained_and_no_other(template: Template) -> None:
    functions = set(template.functions())
    explained = {
        (function, *pair)
        for name, pairs in table()
        if name != "all, with Aurora"
        for function in (functions if name == "all" else {name})
        for pair in pairs
    }
    assert permissions(template) == explained


def test_what_a_vpc_needs_is_explained_too(template: Template, aurora: Template) -> None:
    policies = aurora.of("IAM::ManagedPolicy")
    assert allowed(policies["NetworkPolicy"]["PolicyDocument"]) == dict(table())["all, with Aurora"]
    assert {str(role["ManagedPolicyArns"]) for role in aurora.of("IAM::Role").values()} == {
        "[{'Ref': 'NetworkPolicy'}]"
    }
    assert {str(role["ManagedPolicyArns"]) for role in template.of("IAM::Role").values()} == {"[]"}


def test_every_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in template.functions().values()]
    assert sorted(roles) == sorted(template.of("IAM::Role"))
    for name, function in template.functions().items():
        (policy,) = template.of("IAM::Role")[function["Role"]["Fn::GetAtt"][0]]["Policies"]
        logs = [s["Resource"] for s in policy["PolicyDocument"]["Statement"] if "logs:PutLogEvents" in s["Action"]]
        assert logs == [{"Fn::GetAtt": [f"{name[0].upper()}{name[1:]}LogGroup", "Arn"]}]


def test_no_permission_is_for_everything(template: Template) -> None:
    for _, action, resource in permissions(template):
        assert "*" not in action
        assert not resource.startswith("*")


def test_only_the_launcher_may_start_work_and_no_function_reads_what_it_does_not_use(template: Template) -> None:
    """Examples that a mistake in the table could not hide."""
    for function, action, resource in permissions(template):
        if action == "sqs:ReceiveMessage":
            assert (function, resource) in {
                ("launchJobs", "JobsQueue"),
                ("uploadsCompleted", "UploadsQueue"),
                ("liveUpdates", "LiveQueue"),
                ("deliverWebhooks", "WebhooksQueue"),
            }
        if function in ("migrate", "token"):
            assert action.startswith(("ssm:", "logs:"))
        if action == "execute-api:ManageConnections":
            assert function in ("liveUpdates", "websocket")


# Functions


def test_every_handler_is_there(template: Template) -> None:
    for function in template.functions().values():
        module, _, name = function["Handler"].rpartition(".")
        defined = ast.parse((ROOT / f"{module}.py").read_text()).body
        assert name in {node.name for node in defined if isinstance(node, ast.FunctionDef)}


def test_the_functions_run_what_the_bundle_was_built_for(template: Template) -> None:
    for function in template.functions().values():
        assert function["Runtime"] == f"python{bundle.PYTHON}"
        assert bundle.PLATFORM.startswith(f"{function['Architectures'][0]}-")


def test_the_environment_holds_settings_and_no_secret(template: Template) -> None:
    known = {f"HANSARD_{name.upper()}" for name in Settings.model_fields}
    for function in template.functions().values():
        variables = function["Environment"]["Variables"]
        assert set(variables) <= known
        assert not [name for name in variables if re.search("SECRET$|TOKEN|KEY|DATABASE", name)]


def test_what_the_cloud_needs_is_set_or_asked_for(template: Template) -> None:
    needed = set(re.findall(r'_needed\(["\x27](\w+)["\x27]\)', (ROOT / "shared" / "wiring" / "cloud.py").read_text()))
    assert "bucket" in needed
    variables = template.functions()["api"]["Environment"]["Variables"]
    set_here = {name.removeprefix("HANSARD_").lower() for name in variables}
    assert needed <= set_here | deploy.SECRETS | deploy.MODAL_SECRETS


def test_lambda_stands_in_a_vpc_only_with_aurora(template: Template, aurora: Template) -> None:
    assert not any("VpcConfig" in function for function in template.functions().values())
    assert not [kind for kind in {it["Type"] for it in template.resources.values()} if "EC2" in kind or "RDS" in kind]
    assert all(len(function["VpcConfig"]["SubnetIds"]) == 2 for function in aurora.functions().values())


def test_workers_reach_the_function_for_reports_and_everybody_else_the_api(template: Template) -> None:
    routes = {route["RouteKey"]: json.dumps(route["Target"]) for route in template.of("ApiGatewayV2::Route").values()}
    reports = {key for key, target in routes.items() if "JobReports" in target}
    assert reports == {
        *("POST /jobs/{id}", "POST /jobs/{id}/attempts"),
        *("GET /jobs/{id}/slices/{index}", "GET /jobs/{id}/transcript"),
    }
    assert "IntegrationApi" in routes["$default"] or "Websocket" in routes["$default"]
    assert {"$connect", "$disconnect"} <= set(routes)


# Queues and alarms


def test_messages_stay_invisible_for_six_times_the_work(template: Template) -> None:
    by_id = template.of("Lambda::Function")
    sources = template.of("Lambda::EventSourceMapping").values()
    assert len(sources) == 4
    for source in sources:
        function = by_id[source["FunctionName"]["Fn::GetAtt"][0]]
        queue = template.queue_of(source["EventSourceArn"])
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_a_message_that_fails_comes_again_alone_and_ends_where_an_alarm_looks(template: Template) -> None:
    watched = {name for names in alarmed(template, "AWS/SQS").values() for name in names}
    for source in template.of("Lambda::EventSourceMapping").values():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
        # SQS gives more than ten at once only to those who wait for them.
        assert source["BatchSize"] <= 10 or source["MaximumBatchingWindowInSeconds"] >= 1
        redrive = template.queue_of(source["EventSourceArn"])["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in watched
        assert template.queue_of(redrive["deadLetterTargetArn"])["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_sweep_that_fails_is_noted(template: Template) -> None:
    (rule,) = template.of("Events::Rule").values()
    (target,) = rule["Targets"]
    (config,) = template.of("Lambda::EventInvokeConfig").values()
    assert config["FunctionName"]["Ref"] == target["Arn"]["Fn::GetAtt"][0] == "SweepLambdaFunction"
    assert config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0] in {
        name for names in alarmed(template, "AWS/SQS").values() for name in names
    }


def alarmed(template: Template, namespace: str) -> dict[str, list[str]]:
    """What each alarm of a namespace looks at, by logical id."""
    found = {}
    for name, alarm in template.of("CloudWatch::Alarm").items():
        if alarm["Namespace"] == namespace:
            values = [dimension["Value"] for dimension in alarm["Dimensions"]]
            found[name] = [value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0] for value in values]
    return found


def test_every_function_and_every_failure_queue_has_an_alarm(template: Template) -> None:
    functions = [name for names in alarmed(template, "AWS/Lambda").values() for name in names]
    assert sorted(functions) == sorted(template.of("Lambda::Function"))
    queues = [name for names in alarmed(template, "AWS/SQS").values() for name in names]
    assert sorted(queues) == sorted(name for name in template.of("SQS::Queue") if name.endswith("Failures"))


def test_every_alarm_tells_somebody(template: Template) -> None:
    for alarm in template.of("CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
    (topic,) = template.of("SNS::Topic").values()
    assert topic["Subscription"]["Fn::If"][0] == "HasAlarmEmail"


def test_the_api_is_watched_for_errors_and_for_slowness(template: Template) -> None:
    alarms = [it for it in template.of("CloudWatch::Alarm").values() if it["Namespace"] == "AWS/ApiGateway"]
    assert {alarm["MetricName"] for alarm in alarms} == {"5xx", "Latency"}


def test_logs_do_not_stay_for_ever(template: Template) -> None:
    groups = template.of("Logs::LogGroup").values()
    assert len(groups) == len(template.functions())
    assert {group["RetentionInDays"] for group in groups} == {90}
