"""The WebSocket API, as API Gateway and serverless-offline bring it, and the messages that go out."""

import json
from typing import Any
from uuid import uuid4

import pytest

from functions.aws import live_updates, websocket
from shared.domain.connections import MESSAGE_BYTES
from tests.functions.aws.conftest import Deployment, failures, sqs
from tests.functions.aws.test_jobs import rows, upload


def event(route: str, name: str = "conn=1", **more: Any) -> dict[str, Any]:
    return {"requestContext": {"routeKey": route, "connectionId": name, "eventType": "MESSAGE"}, **more}


def connect(deployment: Deployment, uuid: object, name: str = "conn=1", **query: str) -> dict[str, Any]:
    path = f"/api/transcribe/live/{uuid}"
    given = {"path": path, "token": deployment.token, **query}
    deployment.connections.open.add(name)
    return websocket.handler(event("$connect", name, headers={}, queryStringParameters=given), None)


@pytest.fixture
def recording(deployment: Deployment) -> Any:
    upload(deployment)
    return rows(deployment, "SELECT * FROM recordings")[0]


def connections(deployment: Deployment) -> list[str]:
    return [row.id for row in rows(deployment, "SELECT id FROM connections ORDER BY id")]


def test_who_connects_is_told_the_story_a_moment_later(deployment: Deployment, recording: Any) -> None:
    assert connect(deployment, recording.uuid) == {"statusCode": 200, "headers": {}}
    assert deployment.connections.messages == {}, "nothing may be posted inside $connect"
    messages = deployment.live()
    assert messages == [{"recording_id": recording.id}]
    assert failures(live_updates.handler(sqs(*messages, *messages), None)) == []
    told = [json.loads(text) for text in deployment.connections.messages["conn=1"]]
    assert [message["seq"] for message in told] == [2]


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"Authorization": "Bearer {token}"}},
        {"headers": {"X-API-Token": "{token}"}},
        {"query": {"token": "{token}"}},
        {"headers": {"Sec-WebSocket-Protocol": "bearer, {token}"}},
    ],
)
def test_the_token_may_come_in_any_place(deployment: Deployment, recording: Any, how: dict[str, Any]) -> None:
    headers = {name: value.format(token=deployment.token) for name, value in how.get("headers", {}).items()}
    query = {name: value.format(token=deployment.token) for name, value in how.get("query", {}).items()}
    query["path"] = f"/api/transcribe/live/{recording.uuid}"
    answer = websocket.handler(event("$connect", headers=headers, queryStringParameters=query), None)
    chosen = {"Sec-WebSocket-Protocol": "bearer"} if "Sec-WebSocket-Protocol" in headers else {}
    assert answer == {"statusCode": 200, "headers": chosen}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"path": "/api/transcribe/live/{uuid}"}, 401),
        ({"path": "/api/transcribe/live/{uuid}", "token": "forged"}, 401),
        ({"path": "/elsewhere", "token": "{token}"}, 404),
        ({"token": "{token}"}, 404),
        (None, 404),
    ],
)
def test_who_may_not_connect_is_refused(
    deployment: Deployment, recording: Any, query: dict[str, str] | None, status: int
) -> None:
    given = query and {k: v.format(uuid=recording.uuid, token=deployment.token) for k, v in query.items()}
    assert websocket.handler(event("$connect", headers=None, queryStringParameters=given), None)["statusCode"] == status
    assert connections(deployment) == []


def test_strangers_are_refused(deployment: Deployment, recording: Any) -> None:
    from shared.services import accounts

    bob = accounts.issue_token(deployment.core.db, "bob")
    assert connect(deployment, recording.uuid, token=bob)["statusCode"] == 403


@pytest.mark.parametrize("uuid", [uuid4(), "nonsense"])
def test_who_watches_what_does_not_exist_is_told_on_the_open_socket(deployment: Deployment, uuid: object) -> None:
    assert connect(deployment, uuid)["statusCode"] == 200
    live_updates.handler(sqs(*deployment.live()), None)
    (text,) = deployment.connections.messages["conn=1"]
    assert json.loads(text)["status"] == "not_found"
    assert deployment.connections.open == set()


def test_pings_are_answered_and_the_rest_is_not_for_us(deployment: Deployment, recording: Any) -> None:
    connect(deployment, recording.uuid)
    for body in ('{"type": "ping"}', "hello", "[" * 100_000, "\ud800", '{"type": "pong"}', None, "null"):
        assert websocket.handler(event("$default", body=body), None) == {"statusCode": 200}
    assert [json.loads(text) for text in deployment.connections.messages["conn=1"]] == [{"type": "pong"}]


@pytest.mark.parametrize(
    "more",
    [
        {"body": "AAAA", "isBase64Encoded": True},
        {"body": {"type": "Buffer", "data": [1, 2]}},
        {"body": "x" * (MESSAGE_BYTES + 1)},
        {"body": "é" * (MESSAGE_BYTES // 2 + 1)},
    ],
    ids=["binary", "binary in serverless-offline", "too long", "too long in UTF-8"],
)
def test_what_api_gateway_would_not_take_ends_the_connection(
    deployment: Deployment, recording: Any, more: dict[str, Any]
) -> None:
    connect(deployment, recording.uuid)
    websocket.handler(event("$default", **more), None)
    assert deployment.connections.open == set()


def test_who_goes_is_forgotten(deployment: Deployment, recording: Any) -> None:
    connect(deployment, recording.uuid)
    for _ in range(2):
        assert websocket.handler(event("$disconnect"), None) == {"statusCode": 200}
    assert connections(deployment) == []


def test_what_cannot_be_told_now_is_told_a_moment_later(deployment: Deployment, recording: Any) -> None:
    connect(deployment, recording.uuid)
    deployment.live()
    deployment.connections.open.clear()
    # The connection is young: it may not stand yet.
    live_updates.handler(sqs({"recording_id": recording.id}), None)
    assert deployment.live() == [{"recording_id": recording.id}]
    assert connections(deployment) == ["conn=1"]


def test_one_message_that_fails_does_not_keep_the_others(deployment: Deployment, recording: Any) -> None:
    connect(deployment, recording.uuid)
    answer = live_updates.handler(sqs({"what": "?"}, {"recording_id": recording.id}, {"recording_id": 10**9}), None)
    assert failures(answer) == ["message-0"]
    assert len(deployment.connections.messages["conn=1"]) == 1
