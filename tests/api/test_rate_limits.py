"""Rate limits through the door: who is counted as whom, in which class, and what the client is told."""

import asyncio
import threading
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from psycopg import OperationalError
from sqlalchemy import event
from sqlalchemy.exc import OperationalError as Lost
from starlette.testclient import WebSocketDenialResponse

from api.app import create_app
from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.domain.policy import Policy
from shared.services import accounts
from tests.support.door import Door
from tests.support.world import World

STATUS = "/api/v1/recordings/{}/status"
LIST = "/api/v1/recordings"


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database, policy=Policy(rate_limits=True)))


def standing(response: httpx2.Response) -> tuple[int, int]:
    """Limit and what is left of it."""
    headers = response.headers
    return int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])


def use_up(door: Door, method: str, path: str, times: int, caller: Caller | None = None, **rest: Any) -> None:
    for _ in range(times):
        assert door.request(method, path, caller, **rest).status_code != 429


def refused(response: httpx2.Response) -> bool:
    return response.status_code == 429


def test_every_answer_says_where_the_caller_stands(door: Door) -> None:
    ann = door.world.ann
    first, second = door.get(LIST, ann), door.get(f"{LIST}/77", ann)
    assert (first.status_code, second.status_code) == (200, 404)
    assert [standing(each) for each in (first, second)] == [(100, 99), (100, 98)]
    reset = int(first.headers["X-RateLimit-Reset"])
    assert 0 <= reset - door.world.clock().timestamp() - 60 <= 1


def test_beyond_the_limit_is_a_json_429_that_says_when_to_come_back(door: Door) -> None:
    ann = door.world.ann
    use_up(door, "GET", LIST, 100, ann)
    door.world.clock.pass_by(20.5)
    answer = door.get(LIST, ann)
    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["error"]
    assert "100 read requests a minute" in answer.json()["error"]
    assert answer.headers["Retry-After"] == "40"
    assert standing(answer) == (100, 0)
    door.world.clock.pass_by(39)
    assert refused(door.get(LIST, ann)), "asking in vain makes it neither longer nor shorter"
    door.world.clock.pass_by(1)
    assert standing(door.get(LIST, ann)) == (100, 99)


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", LIST, 100),
        ("HEAD", LIST, 100),
        ("DELETE", f"{LIST}/1", 30),
        ("POST", f"{LIST}/1/pause", 30),
        ("POST", f"{LIST}/1/transcribe", 10),
        ("POST", f"{LIST}/1/summarize", 10),
        ("POST", f"{LIST}/1/chat", 10),
        ("POST", f"{LIST}/1/regenerate_title", 10),
        ("POST", f"{LIST}/1/speakers/identify", 10),
        ("PATCH", f"{LIST}/batch", 10),
        ("DELETE", f"{LIST}/batch", 10),
        ("POST", f"{LIST}/batch/transcribe", 10),
        ("PATCH", f"{LIST}/1", 30),
        ("PUT", f"{LIST}/1/notes", 30),
        ("POST", "/api/v1/tags", 30),
        ("POST", "/api/tokens", 30),
        ("GET", "/api/tokens", 100),
        ("GET", "/api/v1/stats", 60),
        ("POST", f"{LIST}/upload", 60),
        ("POST", "/uploads", 60),
        ("GET", "/uploads/1", 100),
    ],
)
def test_each_class_has_a_limit_of_its_own(door: Door, method: str, path: str, limit: int) -> None:
    answer = door.request(method, path, door.world.ann)
    assert standing(answer) == (limit, limit - 1)


def test_classes_are_counted_apart(door: Door) -> None:
    ann = door.world.ann
    use_up(door, "POST", f"{LIST}/1/transcribe", 10, ann)
    assert refused(door.post(f"{LIST}/1/transcribe", ann))
    assert door.get(LIST, ann).is_success
    assert door.post(f"{LIST}/upload", ann).status_code == 400


def test_polling_the_status_is_never_refused(door: Door) -> None:
    recording = door.world.upload()
    for _ in range(120):
        answer = door.get(STATUS.format(recording.id), door.world.ann)
        assert answer.status_code == 200
        assert "X-RateLimit-Limit" not in answer.headers
    assert standing(door.get(LIST, door.world.ann)) == (100, 99)


def test_each_token_is_counted_by_itself(door: Door) -> None:
    ann, bob = door.world.ann, door.world.user("bob")
    use_up(door, "GET", LIST, 100, ann)
    assert refused(door.get(LIST, ann))
    assert door.get(LIST, bob).is_success
    other = accounts.issue_token(door.world.db, ann.username)
    assert door.get(LIST, headers={"X-API-Token": other}).is_success


def test_who_is_refused_thirty_times_is_no_longer_told_why(door: Door) -> None:
    for number in range(30):
        answer = door.get(LIST, headers={"Authorization": f"Bearer guess-{number}"})
        assert answer.status_code == 401
    answer = door.get(LIST, headers={"Authorization": "Bearer guess-30"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert refused(door.get("/uploads/1")), "it counts everywhere"
    assert door.get(LIST, door.world.ann).is_success, "who has a token is not kept out by strangers at the same address"


def test_pages_that_need_no_token_are_counted_by_address(door: Door) -> None:
    for path in ("/api/v1/docs", "/api/v1/openapi.json"):
        answer = door.get(path)
        assert answer.is_success
        assert answer.headers["X-RateLimit-Limit"] == "100"
    use_up(door, "GET", "/api/v1/openapi.json", 98)
    answer = door.get("/api/v1/docs")
    assert (answer.status_code, list(answer.json())) == (429, ["error"])
    assert door.get(LIST, door.world.ann).is_success


def test_a_refused_upload_is_not_read(door: Door) -> None:
    ann = door.world.ann
    use_up(door, "POST", f"{LIST}/upload", 60, ann)
    assert _reads(door, ann) == 0


def _reads(door: Door, caller: Caller) -> int:
    """How often the application asks for a piece of the body of an upload that is one too many."""
    asked = 0
    sent: list[Any] = []

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    path = f"{LIST}/upload"
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {door.token(caller)}".encode()),
            (b"content-type", b"multipart/form-data; boundary=x"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    asyncio.run(door.client.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 429
    return asked


@pytest.mark.parametrize(
    ("hops", "forwarded", "same"),
    [
        (0, ("1.1.1.1", "2.2.2.2"), True),
        (1, ("1.1.1.1", "2.2.2.2"), False),
        (1, ("9.9.9.9, 1.1.1.1", "8.8.8.8, 1.1.1.1"), True),
        (2, ("1.1.1.1, 7.7.7.7", "2.2.2.2, 7.7.7.7"), False),
        (2, ("1.1.1.1", "2.2.2.2"), True),
        (1, ("2001:db8::1", "2001:db8::ffff"), True),
        (1, ("2001:db8::1", "2001:db8:1::1"), False),
    ],
)
def test_an_address_is_believed_as_far_as_proxies_are_named(
    database: Database, hops: int, forwarded: tuple[str, str], same: bool
) -> None:
    world = World(database, policy=Policy(rate_limits=True))
    client = TestClient(create_app(world.core, auth="required", proxy_hops=hops))
    left = [
        client.get("/api/v1/docs", headers={"X-Forwarded-For": each}).headers["X-RateLimit-Remaining"]
        for each in forwarded
    ]
    assert left == (["99", "98"] if same else ["99", "99"])


def test_a_request_authenticates_once_and_counts_with_one_statement(door: Door) -> None:
    door.get(LIST, door.world.ann)
    statements: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(door.world.db.engine, "before_cursor_execute", note)
    door.get(LIST, door.world.ann)
    assert len([each for each in statements if "rate_limits" in each]) == 1
    assert len([each for each in statements if "FROM api_tokens" in each]) == 1


def test_many_at_once_are_all_counted(door: Door) -> None:
    token = door.token(door.world.ann)
    codes: list[int] = []

    def ask() -> None:
        for _ in range(15):
            codes.append(door.post(f"{LIST}/1/pause", headers={"X-API-Token": token}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count(404), codes.count(429)) == (30, 30)


def test_without_limits_nothing_is_counted(database: Database) -> None:
    door = Door(World(database))
    assert "X-RateLimit-Limit" not in door.get(LIST, door.world.ann).headers
    assert door.get(LIST).status_code == 401
    assert door.world.count("rate_limits") == 0


def test_a_database_that_is_away_is_a_503(door: Door) -> None:
    token = door.token(door.world.ann)

    def lose(*_: Any) -> None:
        raise Lost("", {}, OperationalError("gone"))

    event.listen(door.world.db.engine, "before_cursor_execute", lose)
    answer = door.get(LIST, headers={"X-API-Token": token})
    assert (answer.status_code, list(answer.json())) == (503, ["error"])


def test_every_answer_tells_robots_and_caches_to_keep_out(door: Door) -> None:
    for answer in (door.get(LIST, door.world.ann), door.get(LIST), door.get("/health")):
        assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Authorization" in door.get(LIST, door.world.ann).headers["Vary"]


def test_a_websocket_is_refused_as_a_request_is(door: Door) -> None:
    address = "/api/transcribe/live/00000000-0000-0000-0000-000000000000"
    for wanted in [401] * 30 + [429]:
        with pytest.raises(WebSocketDenialResponse) as refusal, door.client.websocket_connect(address):
            pass
        assert refusal.value.status_code == wanted
