"""With accounts: who may come in, by which of the four places, and what strangers get to see."""

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.leftovers import nothing_left
from tests.support.live import hear, open_live
from tests.support.server import ROOT, Server


@dataclass(frozen=True, slots=True)
class Account:
    """A user's token, and how the command that made it ended."""

    name: str
    token: str
    stderr: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def issue(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api", "token", *arguments, "--data", str(server.data_dir)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def account(server: Server, name: str, *options: str) -> Account:
    ended = issue(server, name, *options)
    assert ended.returncode == 0, ended.stderr
    return Account(name, ended.stdout.removesuffix("\n"), ended.stderr)


@pytest.fixture(scope="module")
def ann(secured_server: Server) -> Account:
    return account(secured_server, "ann")


@pytest.fixture(scope="module")
def admin(secured_server: Server) -> Account:
    return account(secured_server, "root@example.org", "--admin")


@pytest.fixture(scope="module")
def anns(secured_server: Server, ann: Account, silent_wav: Path) -> dict[str, Any]:
    """A recording of Ann's."""
    with secured_server.client(headers=ann.headers) as client:
        files = {"file": ("ann.wav", silent_wav.read_bytes(), "audio/wav")}
        response = client.post("/api/v1/recordings/upload", files=files)
    assert response.status_code == 202, response.text
    return response.json()


def test_the_command_prints_the_token_alone_while_the_server_runs(secured_server: Server, ann: Account) -> None:
    assert len(ann.token) == 43
    assert ann.token.replace("-", "").replace("_", "").isalnum()
    assert ann.stderr == ""
    with secured_server.client(headers=ann.headers) as client:
        assert client.get("/api/v1/recordings").status_code == 200


def test_a_second_token_does_not_end_the_first(secured_server: Server, ann: Account) -> None:
    second = account(secured_server, "ann")
    assert second.token != ann.token
    for one in (ann, second):
        with secured_server.client(headers=one.headers) as client:
            assert client.get("/api/v1/recordings").status_code == 200


@pytest.mark.parametrize("name", ["", "a/b"])
def test_a_name_that_is_none_makes_no_user(secured_server: Server, name: str) -> None:
    ended = issue(secured_server, name)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "user name" in ended.stderr


@pytest.mark.usefixtures("anns")
def test_tokens_are_neither_in_the_log_nor_in_the_data(secured_server: Server, ann: Account) -> None:
    with secured_server.client() as client:
        assert client.get("/api/v1/recordings", params={"token": ann.token}).status_code == 200
        client.get("/api/v1/nothing", params={"token": ann.token})
    with open_live(secured_server, str(uuid.uuid4()), f"?token={ann.token}") as socket:
        hear(socket)
    assert ann.token not in secured_server.logged()
    assert [path for path in secured_server.data_dir.rglob("*") if ann.token.encode() in contents(path)] == []


def contents(path: Path) -> bytes:
    """Nothing for what is no file, or is no more: the database tidies up while it runs."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"},
        {"Authorization": "bearer {}"},
        {"Authorization": "BEARER   {}"},
        {"X-API-Token": "{}"},
        {"API-Token": "{}"},
        {"X-API-Token": "{}", "API-Token": "wrong"},
        {"Authorization": "Bearer {}", "X-API-Token": "wrong"},
        {"Authorization": "Basic wrong", "X-API-Token": "{}"},
    ],
)
def test_a_token_is_taken_in_any_of_its_places(secured_server: Server, ann: Account, headers: dict[str, str]) -> None:
    with secured_server.client() as client:
        filled = {name: value.format(ann.token) for name, value in headers.items()}
        assert client.get("/api/v1/recordings", headers=filled).status_code == 200
        assert client.get("/api/v1/recordings", params={"token": ann.token}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({"Authorization": "Bearer"}, ""),
        ({"Authorization": "Bearer wrong"}, ""),
        ({"Authorization": "Token {}"}, ""),
        ({"Authorization": "Basic {}"}, ""),
        ({"Authorization": "{}"}, ""),
        ({"Authorization": "Bearer wrong", "X-API-Token": "{}"}, ""),
        ({"X-API-Token": "wrong", "API-Token": "{}"}, ""),
        ({"API-Token": "wrong"}, "?token={}"),
        ({"Cookie": "token={}"}, ""),
        ({}, "?token="),
        ({}, "?token=%00%ff"),
        ({"X-API-Token": "x" * 5000}, ""),
        ({"Authorization": "Bearer caf\xe9"}, ""),
    ],
)
def test_only_the_first_place_counts_and_it_has_to_be_right(
    secured_server: Server, ann: Account, headers: dict[str, str], query: str
) -> None:
    with secured_server.client() as client:
        filled = {name: value.format(ann.token).encode("latin-1") for name, value in headers.items()}
        response = client.get(f"/api/v1/recordings{query.format(ann.token)}", headers=filled)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "token" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/1"),
        ("GET", "/1/status"),
        ("GET", "/1/transcript"),
        ("GET", "/1/summary"),
        ("GET", "/1/audio"),
        ("DELETE", "/1"),
        ("POST", "/1/transcribe"),
        ("POST", "/1/pause"),
        ("POST", "/1/resume"),
        ("POST", "/1/cancel"),
    ],
)
def test_every_door_wants_a_token(secured_server: Server, method: str, path: str) -> None:
    with secured_server.client() as client:
        response = client.request(method, f"/api/v1/recordings{path}")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_large_upload_without_a_token_is_a_401_that_can_be_read(secured_server: Server, ann: Account) -> None:
    with nothing_left(secured_server, ann.headers), secured_server.client() as client:
        response = client.post("/api/v1/recordings/upload", files={"file": ("a.wav", b"\0" * 20_000_000)})
    assert response.status_code == 401
    assert response.json()["error"]


@pytest.mark.parametrize("path", ["/health", "/", "/docs", "/openapi.json", "/api/v1/docs", "/api/v1/openapi.json"])
def test_health_and_documents_are_open(secured_server: Server, path: str) -> None:
    with secured_server.client() as client:
        assert client.get(path).status_code == 200


def test_a_stranger_sees_nothing_of_a_recording(secured_server: Server, admin: Account, anns: dict[str, Any]) -> None:
    one = f"/api/v1/recordings/{anns['id']}"
    with secured_server.client(headers=admin.headers) as client:
        answers = [client.get(f"{one}{part}") for part in ("", "/status", "/transcript", "/summary", "/audio")]
        answers += [client.post(f"{one}/{action}") for action in ("transcribe", "pause", "resume", "cancel")]
        answers.append(client.delete(one))
        assert [answer.status_code for answer in answers] == [403] * 10
        assert all("may not" in answer.json()["error"] for answer in answers)
        assert client.get("/api/v1/recordings/99999999").status_code == 404
        assert client.get("/api/v1/recordings").json()["recordings"] == []


def test_the_same_bytes_of_someone_else_are_no_duplicate(
    secured_server: Server, admin: Account, anns: dict[str, Any], silent_wav: Path
) -> None:
    with secured_server.client(headers=admin.headers) as client:
        files = {"file": ("mine.wav", silent_wav.read_bytes(), "audio/wav")}
        answer = client.post("/api/v1/recordings/upload", files=files).json()
        assert answer["duplicate_info"] is None
        assert answer["user_id"] != anns["user_id"]
        client.delete(f"/api/v1/recordings/{answer['id']}")


def test_the_live_socket_wants_the_owner(
    secured_server: Server, ann: Account, admin: Account, anns: dict[str, Any]
) -> None:
    for query, headers, status in (
        ("", {}, 401),
        ("?token=wrong", {}, 401),
        ("", admin.headers, 403),
        (f"?token={admin.token}", {}, 403),
    ):
        with pytest.raises(InvalidStatus) as refusal:
            open_live(secured_server, anns["uuid"], query, additional_headers=headers).close()
        assert refusal.value.response.status_code == status
        assert b"detail" in refusal.value.response.body
        assert ("WWW-Authenticate" in refusal.value.response.headers) == (status == 401)
    for query, headers in ((f"?token={ann.token}", {}), ("", ann.headers), ("", {"X-API-Token": ann.token})):
        with open_live(secured_server, anns["uuid"], query, additional_headers=headers) as socket:
            assert hear(socket)[-1]["status"] == "completed"


def test_a_browser_offers_its_token_as_a_subprotocol(secured_server: Server, ann: Account) -> None:
    with open_live(secured_server, str(uuid.uuid4()), subprotocols=["bearer", ann.token]) as socket:
        assert socket.subprotocol == "bearer"
        assert json.loads(socket.recv(timeout=10))["status"] == "not_found"
    with pytest.raises(InvalidStatus) as refusal:
        open_live(secured_server, str(uuid.uuid4()), subprotocols=["bearer", "forged"]).close()
    assert refusal.value.response.status_code == 401
