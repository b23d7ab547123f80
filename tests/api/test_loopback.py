"""Without accounts only this machine may call: not a page of another site, and no address beyond this machine."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.live import hear, open_live
from tests.support.server import ROOT, Server

FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8000"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "192.168.1.5"},
    {"Host": "0.0.0.0"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "file://"},
    {"Origin": "http://[bad"},
]
LOCAL = [
    {},
    {"Host": "localhost"},
    {"Host": "LOCALHOST:3000"},
    {"Host": "[::1]:8000"},
    {"Host": "127.9.9.9"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://127.0.0.1"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_page_is_refused(server: Server, headers: dict[str, str]) -> None:
    with server.client() as client:
        answers = [client.get(path, headers=headers) for path in ("/api/v1/recordings", "/health", "/docs", "/nothing")]
        answers.append(client.delete("/api/v1/recordings/1", headers=headers))
        answers.append(client.post("/api/v1/recordings/upload", headers=headers, files={"file": ("a.wav", b"x")}))
    assert [answer.status_code for answer in answers] == [403] * 6
    assert all("machine" in answer.json()["error"] for answer in answers)
    assert all("access-control-allow-origin" not in answer.headers for answer in answers)


@pytest.mark.parametrize("headers", LOCAL)
def test_this_machine_is_let_in(server: Server, headers: dict[str, str]) -> None:
    with server.client() as client:
        assert client.get("/api/v1/recordings", headers=headers).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_foreign_page_gets_no_live_socket(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        open_live(server, str(uuid.uuid4()), origin=origin).close()
    assert refusal.value.response.status_code == 403


def test_a_local_page_gets_a_live_socket(server: Server) -> None:
    with open_live(server, str(uuid.uuid4()), origin="http://localhost:3000") as socket:
        assert hear(socket)[0]["status"] == "not_found"


def test_with_accounts_the_token_is_the_guard_not_the_host(secured_server: Server) -> None:
    with secured_server.client() as client:
        assert client.get("/health", headers={"Host": "hansard.example"}).status_code == 200
        assert client.get("/api/v1/recordings", headers={"Host": "hansard.example"}).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_accounts_the_server_does_not_listen_to_the_world(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "api", "serve", "--host", host, "--port", "0", "--data", str(tmp_path / "data")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "HANSARD_AUTH=required" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()
