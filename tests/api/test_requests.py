"""Requests that name nothing, or make no sense: a clear 4xx in JSON, never a page and never a 500."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from websockets.exceptions import InvalidStatus

from tests.support.live import open_live
from tests.support.server import Server

RECORDINGS = "/api/v1/recordings"
NO_IDS = [
    "0",
    "-1",
    "abc",
    "1.5",
    "99999999",
    "9223372036854775808",
    "99999999999999999999",
    "9" * 5000,
    "%00",
    "☃",
    "1e3",
]
PARTS = ["", "/status", "/transcript", "/summary", "/audio"]


def refused(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert isinstance(body["error"], str)
    assert len(body["error"]) > 10
    return body


@pytest.mark.parametrize("recording_id", NO_IDS, ids=lambda name: name[:24])
def test_an_id_that_names_nothing_is_a_404_everywhere(server: Server, recording_id: str) -> None:
    address = f"{RECORDINGS}/{recording_id}"
    with server.client() as client:
        for part in PARTS:
            refused(client.get(f"{address}{part}"), 404)
        refused(client.delete(address), 404)
        for action in ("transcribe", "pause", "resume", "cancel"):
            refused(client.post(f"{address}/{action}"), 404)


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/recordings/", "/recordings/1/nothing", "/Recordings", "/../v1"]
)
def test_an_unknown_path_is_a_404_in_json(server: Server, path: str) -> None:
    with server.client() as client:
        response = client.get(f"/api/v1{path}")
    assert response.status_code == 404
    assert {"error", "detail"} & response.json().keys()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/recordings/1", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
        ("PATCH", "/recordings/1/status", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/recordings", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/recordings/1/audio", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/recordings/1/transcribe", {"POST", "OPTIONS"}),
        ("BREW", "/recordings/1", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_a_405_that_says_which_are_right(
    server: Server, method: str, path: str, allowed: set[str]
) -> None:
    with server.client() as client:
        response = client.request(method, f"/api/v1{path}")
        assert method in refused(response, 405)["error"]
        assert set(response.headers["allow"].split(", ")) == allowed
        options = client.options(f"/api/v1{path}")
    assert options.status_code == 200
    assert set(options.headers["allow"].split(", ")) == allowed


def test_methods_of_the_service_pages_are_told_too(server: Server) -> None:
    with server.client() as client:
        response = client.post("/health")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "POST" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"min_speakers": "many"}',
        b'{"min_speakers": NaN}',
        b'{"min_speakers": 1e999}',
        b'{"language": 5}',
        b'{"language": "klingon"}',
        b'{"language": "\\u0000"}',
        b'{"min_speakers": 4, "max_speakers": 2}',
        b'{"max_speakers": 99999999999999999999}',
        b'{"hotwords": "\\ud800"}',
        b'{"initial_prompt": "a\\u0000b"}',
        b'{"hotwords": ["a"]}',
    ],
    ids=lambda body: body.decode(errors="replace")[:30],
)
def test_a_body_that_cannot_be_meant_is_a_400(waiting_server: Server, waiting_id: int, body: bytes) -> None:
    with waiting_server.client() as client:
        refused(client.post(f"{RECORDINGS}/{waiting_id}/transcribe", content=body), 400)


@pytest.fixture(scope="module")
def waiting_id(waiting_server: Server, silent_wav: Path) -> int:
    return waiting_server.upload(silent_wav)["id"]


@pytest.mark.parametrize("query", ["?format=docx", "?format=", "?format=%00", "?format=json&format=pdf"])
def test_an_unknown_transcript_format_is_a_400(waiting_server: Server, waiting_id: int, query: str) -> None:
    with waiting_server.client() as client:
        assert "srt" in refused(client.get(f"{RECORDINGS}/{waiting_id}/transcript{query}"), 400)["error"]


def test_a_transcript_that_is_not_there_yet_is_a_404_and_an_empty_summary(
    waiting_server: Server, waiting_id: int
) -> None:
    with waiting_server.client() as client:
        assert "yet" in refused(client.get(f"{RECORDINGS}/{waiting_id}/transcript"), 404)["error"]
        summary = client.get(f"{RECORDINGS}/{waiting_id}/summary")
        assert client.get(f"{RECORDINGS}/{waiting_id}").json()["transcription"] is None
    assert summary.status_code == 200
    assert (summary.json()["summary"], summary.json()["has_summary"]) == (None, False)


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/1/slices/0",
        "/jobs/99999999999999999999/slices/0",
        "/objects/audio/x",
        "/objects/audio/x?expires=1&signature=abc",
        "/objects/audio/x?expires=soon&signature=%C3%A9",
        "/objects/../secret?expires=9999999999&signature=",
        "/objects/%2e%2e/secret?expires=9999999999&signature=",
    ],
)
def test_the_doors_of_workers_want_a_key(server: Server, path: str) -> None:
    with server.client() as client:
        response = client.get(path)
        again = client.get(path, headers={"Authorization": "Bearer abc.def.ghi"})
    assert {response.status_code, again.status_code} <= {401, 404}
    assert "detail" in response.json()


def test_a_worker_door_refuses_forged_tokens_and_foreign_writes(server: Server) -> None:
    unsigned = (
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3b3JrZXIiLCJhdWQiOiJqb2ItMSIsImlzcyI6ImhhbnNhcmQiLCJleHAiOjk5OTk5OTk5OTl9."
    )
    with server.client() as client:
        report = client.post("/jobs/1", content=b"{}", headers={"Authorization": f"Bearer {unsigned}"})
        put = client.put("/objects/audio/x?expires=9999999999&signature=00", content=b"x")
    assert (report.status_code, put.status_code) == (401, 401)
    assert not (server.data_dir / "objects" / "files" / "audio" / "x").exists()


def test_a_server_whose_store_is_broken_says_so_without_details(tmp_path: Path, silent_wav: Path) -> None:
    with Server(tmp_path / "data") as server, server.client() as client:
        (server.data_dir / "objects" / "incoming").rmdir()
        response = client.post(f"{RECORDINGS}/upload", files={"file": ("a.wav", silent_wav.read_bytes(), "audio/wav")})
        assert "wrong" in refused(response, 500)["error"]
        assert str(tmp_path) not in response.text
        assert "x-request-id" in response.headers
        assert client.get("/health").status_code == 200


def test_a_server_without_its_database_says_that_it_is_unavailable(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server, server.client() as client:
        postmaster = int((server.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)
        psutil.wait_procs([psutil.Process(postmaster)], timeout=10)
        assert "database" in refused(client.get(RECORDINGS), 503)["error"]
        health = client.get("/health")
        assert (health.status_code, "database" in health.json()["detail"]) == (503, True)
        with pytest.raises(InvalidStatus) as refusal:
            open_live(server, "5b36ec81-bd01-4e6e-a3b9-ec6927d79dc7").close()
        assert refusal.value.response.status_code == 503
        assert client.get("/").status_code == 200


def test_every_answer_carries_a_request_id(server: Server) -> None:
    with server.client() as client:
        kept = client.get("/api/v1/nothing", headers={"X-Request-ID": "trace-1.a_b"})
        made = client.get("/", headers={"X-Request-ID": "not sane\t!"})
    assert kept.headers["x-request-id"] == "trace-1.a_b"
    assert len(made.headers["x-request-id"]) == 36
    assert float(made.headers["x-process-time-ms"]) >= 0


@pytest.mark.parametrize("path", ["/api/tokens", "/api/transcript-templates", "/api/recordings/job-queue-status"])
def test_addresses_beside_the_versioned_api_answer_head_and_options(server: Server, path: str) -> None:
    with server.client() as client:
        options = client.options(path)
        assert "GET" in options.headers["allow"]
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert client.options("/api/v1/tags").headers["allow"] == "GET, POST, HEAD, OPTIONS"
