"""From POST /uploads through Mangum to the S3 event that makes the recording."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from api import lambda_handler
from functions.aws import uploads_completed
from shared.db import uploads as rows
from shared.services import accounts
from shared.services.ingest import NewRecording
from shared.wire import to_plain
from tests.functions.aws.conftest import Deployment, failures, sqs


def http(deployment: Deployment, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    answer = ask(deployment, method, path, body, **headers)
    return answer["statusCode"], json.loads(answer["body"]) if answer.get("body") else None


def ask(deployment: Deployment, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """A request as an HTTP API hands it over, payload 2.0, and the answer as it takes it."""
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {"authorization": f"Bearer {deployment.token}", "host": "api.example", "content-type": "application/json"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**sent, "content-length": str(len(text)), **headers},
        "requestContext": {
            "domainName": "api.example",
            "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        },
        "body": text,
        "isBase64Encoded": False,
    }
    return lambda_handler.handler(event, None)


@pytest.fixture(autouse=True)
def fresh_app() -> Iterator[None]:
    lambda_handler._adapter.cache_clear()
    yield
    if lambda_handler._adapter.cache_info().currsize:
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)


def begin(deployment: Deployment, size: int = 5, **more: Any) -> dict[str, Any]:
    said = {"filename": "talk über alles.wav", "content_type": "audio/wav", "size": size, **more}
    status, begun = http(deployment, "POST", "/uploads", said)
    assert status == 201, begun
    return begun


def put(part: dict[str, Any], data: bytes, **headers: str) -> int:
    return httpx2.put(part["url"], content=data, headers={**part["headers"], **headers}).status_code


def arrived(deployment: Deployment, upload_id: str) -> dict[str, Any]:
    """The event of S3, as it comes through SQS."""
    key = f"uploads%2F{upload_id}"
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": deployment.bucket}, "object": {"key": key}}}
    return uploads_completed.handler(sqs({"Records": [record]}), None)


def look(deployment: Deployment, begun: dict[str, Any]) -> dict[str, Any]:
    return http(deployment, "GET", f"/uploads/{begun['upload_id']}")[1]


def test_a_presigned_upload_becomes_a_recording_by_the_event_of_the_store(deployment: Deployment) -> None:
    begun = begin(deployment, recording={"title": "A talk", "language": "de"})
    (part,) = begun["parts"]
    assert put(part, b"sound") == 200
    assert failures(arrived(deployment, begun["upload_id"])) == []
    made = look(deployment, begun)["recording"]
    status, recording = http(deployment, "GET", f"/api/v1/recordings/{made['id']}")
    assert (status, recording["title"], recording["language"]) == (200, "A talk", "de")
    assert deployment.kicks() == [{"kind": "launch"}]
    assert failures(arrived(deployment, begun["upload_id"])) == [], "events come at least once"
    assert deployment.aws.messages(deployment.jobs_queue, 0) == []


def test_audio_comes_from_the_store_under_its_name_and_type(deployment: Deployment) -> None:
    begun = begin(deployment, recording={})
    put(begun["parts"][0], b"sound")
    arrived(deployment, begun["upload_id"])
    path = f"/api/v1/recordings/{look(deployment, begun)['recording']['id']}/audio"
    there = ask(deployment, "HEAD", path)
    assert (there["statusCode"], there["headers"]["content-length"], there["body"]) == (200, "5", "")
    answer = ask(deployment, "GET", path)
    assert answer["statusCode"] == 302
    audio = httpx2.get(answer["headers"]["location"])
    assert (audio.content, audio.headers["content-type"]) == (b"sound", "audio/wav")
    assert audio.headers["content-disposition"] == "inline; filename*=UTF-8''talk%20%C3%BCber%20alles.wav"


def test_an_event_that_comes_before_the_upload_is_committed_comes_again(deployment: Deployment) -> None:
    core = deployment.core
    caller = accounts.authenticate(core, deployment.token)
    upload_id = uuid4()
    key = f"uploads/{upload_id}"
    writer = core.objects.create(key)
    writer.write(b"sound")
    writer.commit()
    with core.db.begin() as tx:
        rows.add(
            tx,
            id=upload_id,
            user_id=caller.user_id,
            key=key,
            filename="talk.wav",
            content_type="audio/wav",
            size=5,
            part_size=5,
            recording=to_plain(NewRecording()),
            check_at=core.now(),
            expires_at=core.now(),
        )
        assert failures(arrived(deployment, str(upload_id))) == ["message-0"]
    assert failures(arrived(deployment, str(upload_id))) == []
    found = look(deployment, {"upload_id": upload_id})
    assert (found["status"], found["recording"]["uuid"]) == ("used", str(upload_id))


def test_the_greeting_of_s3_is_no_event(deployment: Deployment) -> None:
    greeting = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": deployment.bucket}
    assert failures(uploads_completed.handler(sqs(greeting), None)) == []


def test_an_address_takes_only_what_was_announced(deployment: Deployment) -> None:
    (part,) = begin(deployment)["parts"]
    assert put(part, b"longer than said") in (400, 403)
    assert put(part, b"sound", **{"Content-Type": "text/html"}) == 403
    assert list(deployment.core.objects.keys()) == []


def test_parts_are_sent_resumed_and_used_by_a_dialect(deployment: Deployment) -> None:
    size = 16 * 1024 * 1024 + 5
    begun = begin(deployment, size)
    first, second = begun["parts"]
    assert put(second, b"sound") == 200
    resumed = look(deployment, begun)
    assert [part["received"] for part in resumed["parts"]] == [False, True]
    status, refused = http(deployment, "POST", f"/uploads/{begun['upload_id']}/complete")
    assert (status, refused["detail"]) == (409, "1 of 2 parts are there.")
    assert put(resumed["parts"][0], b"x" * first["size"]) == 200
    boundary = "b"
    form = f'--b\r\nContent-Disposition: form-data; name="upload_id"\r\n\r\n{begun["upload_id"]}\r\n--b--\r\n'
    kind = f"multipart/form-data; boundary={boundary}"
    status, recording = http(
        deployment,
        "POST",
        "/api/v1/recordings/upload",
        form,
        **{"content-type": kind, "content-length": str(len(form))},
    )
    assert (status, recording["file_size"]) == (202, size)
    again = http(deployment, "POST", "/api/v1/recordings/upload", form, **{"content-type": kind})
    assert again[1]["id"] == recording["id"]
    status, _ = http(deployment, "DELETE", f"/uploads/{begun['upload_id']}")
    assert status == 409


def test_a_form_that_is_too_large_for_a_lambda_is_told_where_to_go(deployment: Deployment) -> None:
    status, refused = http(
        deployment,
        "POST",
        "/api/v1/recordings/upload",
        "",
        **{"content-type": "multipart/form-data; boundary=b", "content-length": "4500001"},
    )
    assert status == 413
    assert "POST /uploads" in refused["error"]
    assert refused["uploads"] == "/uploads"


def test_without_a_token_nothing_is_begun(deployment: Deployment) -> None:
    status, _ = http(deployment, "POST", "/uploads", {"filename": "a.wav", "size": 5}, authorization="")
    assert status == 401
    assert http(deployment, "GET", "/uploads/nonsense")[0] == 404


def test_what_is_not_wanted_any_more_is_dropped(deployment: Deployment) -> None:
    begun = begin(deployment, 20 * 1024 * 1024)
    assert http(deployment, "DELETE", f"/uploads/{begun['upload_id']}")[0] == 204
    assert put(begun["parts"][1], b"x" * begun["parts"][1]["size"]) == 404
    assert look(deployment, begun)["status"] == "aborted"
