"""`/uploads` on one machine: the same walk as with S3, on the folder store."""

import hashlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.leftovers import nothing_left
from tests.support.server import Server

PART = 16 * 1024 * 1024


def begin(server: Server, size: int, **said: Any) -> dict[str, Any]:
    body = {"filename": "talk.wav", "content_type": "audio/wav", "size": size, **said}
    with server.client() as client:
        response = client.post("/uploads", json=body)
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"/uploads/{response.json()['upload_id']}"
    return response.json()


def put(part: dict[str, Any], data: bytes) -> httpx2.Response:
    return httpx2.put(
        part["url"], content=data[part["offset"] : part["offset"] + part["size"]], headers=part["headers"]
    )


def look(server: Server, begun: dict[str, Any]) -> dict[str, Any]:
    with server.client() as client:
        return client.get(f"/uploads/{begun['upload_id']}").raise_for_status().json()


def long_wav(seconds: float) -> bytes:
    samples = int(seconds * 16_000) * 2
    fmt = b"fmt " + (16).to_bytes(4, "little") + b"\1\0\1\0" + (16_000).to_bytes(4, "little")
    fmt += (32_000).to_bytes(4, "little") + b"\2\0\20\0"
    body = b"WAVE" + fmt + b"data" + samples.to_bytes(4, "little") + bytes(samples)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_one_put_makes_the_recording(waiting_server: Server, silent_wav: Path) -> None:
    data = silent_wav.read_bytes()
    begun = begin(waiting_server, len(data), recording={"title": "By PUT", "language": "en"})
    assert put(begun["parts"][0], data).status_code == 204
    found = look(waiting_server, begun)
    assert (found["status"], found["recording"]["uuid"]) == ("used", begun["upload_id"])
    with waiting_server.client() as client:
        recording = client.get(f"/api/v1/recordings/{found['recording']['id']}").json()
        audio = client.get(f"/api/v1/recordings/{recording['id']}/audio").content
    assert (recording["title"], recording["language"], audio) == ("By PUT", "en", data)


def test_parts_are_resumed_after_a_restart_and_used_by_a_dialect(tmp_path: Path) -> None:
    data = long_wav(PART / 32_000 + 10)
    digest = hashlib.sha256(data).hexdigest()
    with Server(tmp_path / "data", workers="1") as server:
        begun = begin(server, len(data), sha256=digest)
        assert [part["number"] for part in begun["parts"]] == [1, 2]
        assert put(begun["parts"][1], data).status_code == 204
        server.kill()
        server.start()
        resumed = look(server, begun)
        assert [part["received"] for part in resumed["parts"]] == [False, True]
        with server.client() as client:
            early = client.post("/api/v1/recordings/upload", data={"upload_id": begun["upload_id"]}, files={"x": b""})
            assert (early.status_code, early.json()["error"]) == (409, "1 of 2 parts are there.")
            assert put(resumed["parts"][0], data).status_code == 204
            done = client.post(f"/uploads/{begun['upload_id']}/complete").json()
            assert (done["status"], done["recording"]) == ("complete", None)
            form = {"upload_id": begun["upload_id"], "title": "In parts"}
            used = client.post("/api/v1/recordings/upload", data=form, files={"x": b""})
            assert (used.status_code, used.json()["title"]) == (202, "In parts")
            again = client.post("/api/v1/recordings/upload", data=form, files={"x": b""})
            assert again.json()["id"] == used.json()["id"]
            assert client.get(f"/api/v1/recordings/{used.json()['id']}/audio").content == data
            copy = server.upload(_written(tmp_path / "copy.wav", data))
            assert copy["duplicate_warning"]


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_is_no_audio_ends_the_upload_with_the_reason(waiting_server: Server) -> None:
    with nothing_left(waiting_server):
        begun = begin(waiting_server, 5, recording={})
        assert put(begun["parts"][0], b"hello").status_code == 204
        ended = look(waiting_server, begun)
        assert ended["status"] == "aborted"
        assert "audio" in ended["error_message"]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "filename"),
        ({"filename": "a.wav"}, 400, "size"),
        ({"filename": "a.wav", "size": "many"}, 400, "size"),
        ({"filename": "a.wav", "size": 0}, 400, "empty"),
        ({"filename": "a.wav", "size": 10**12}, 413, "MB"),
        ({"filename": "", "size": 5}, 400, "filename"),
        ({"filename": "a.html", "content_type": "text/html", "size": 5}, 400, "neither audio nor video"),
        ({"filename": "a.wav", "size": 5, "sha256": "abc"}, 400, "sha256"),
        ({"filename": "a.wav", "size": 5, "recording": {"min_speakers": 0}}, 400, "min_speakers"),
        ({"filename": "a.wav", "size": 5, "recording": {"meeting_date": "soon"}}, 400, "meeting_date"),
        (
            {"filename": "a.wav", "size": 5, "recording": {"meeting_date": "0001-01-01T00:00+14:00"}},
            400,
            "meeting_date",
        ),
        ([], 400, ""),
    ],
)
def test_what_cannot_be_an_upload_is_refused(server: Server, body: Any, status: int, word: str) -> None:
    with server.client() as client:
        response = client.post("/uploads", json=body)
    assert (response.status_code, word in response.json()["detail"]) == (status, True), response.text


def test_an_upload_that_is_not_there_is_404(server: Server) -> None:
    for name in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        with server.client() as client:
            assert client.get(f"/uploads/{name}").status_code == 404
            assert client.post(f"/uploads/{name}/complete").status_code == 404
            assert client.delete(f"/uploads/{name}").status_code == 404
            form = client.post("/api/v1/recordings/upload", data={"upload_id": name}, files={"x": b""})
            assert form.status_code == 404


def test_an_upload_can_be_dropped(server: Server) -> None:
    with nothing_left(server):
        begun = begin(server, PART + 5)
        assert httpx2.put(begun["parts"][1]["url"], content=b"hello").status_code == 204
        with server.client() as client:
            assert client.delete(f"/uploads/{begun['upload_id']}").status_code == 204
            assert client.post(f"/uploads/{begun['upload_id']}/complete").status_code == 409
        assert httpx2.put(begun["parts"][1]["url"], content=b"hello").status_code == 404
    assert list((server.data_dir / "objects" / "parts").iterdir()) == []


def test_uploads_want_a_token_where_tokens_are_wanted(secured_server: Server) -> None:
    with secured_server.client() as client:
        assert client.post("/uploads", json={"filename": "a.wav", "size": 5}).status_code == 401
