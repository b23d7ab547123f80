"""Uploads that are too large, break off, or meet a full disk."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import psutil
import pytest

from shared.adapters.folder_store import FolderStore
from tests.support import media
from tests.support.leftovers import eventually, files, nothing_left
from tests.support.server import Server

UPLOAD = "/api/v1/recordings/upload"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@contextmanager
def connection(server: Server) -> Iterator[socket.socket]:
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        yield raw


def request(server: Server, *headers: str) -> bytes:
    host = server.url.removeprefix("http://")
    lines = [f"POST {UPLOAD} HTTP/1.1", f"Host: {host}", "Content-Type: multipart/form-data; boundary=x", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(raw: socket.socket) -> tuple[int, dict[str, object]]:
    """Status and body of the next answer on this connection."""
    data = b""
    while b"\r\n\r\n" not in data or not data.endswith(b"}"):
        received = raw.recv(65536)
        assert received, data
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_a_file_over_the_limit_is_refused_with_the_limit(waiting_server: Server, tmp_path: Path) -> None:
    path = media.wav(tmp_path / "long.wav", media.speech(40))
    with nothing_left(waiting_server), waiting_server.client() as client:
        response = client.post(UPLOAD, files={"file": ("long.wav", path.read_bytes(), "audio/wav")})
    assert response.status_code == 413
    body = response.json()
    assert "1 MB" in body["error"]
    assert (body["max_size_mb"], body["effective_limit_mb"], body["audio_only_mode"]) == (1.0, 1.0, False)


def test_a_file_far_over_the_limit_gets_a_readable_answer(waiting_server: Server) -> None:
    with nothing_left(waiting_server), waiting_server.client() as client:
        response = client.post(UPLOAD, files={"file": ("huge.wav", b"\0" * 30_000_000, "audio/wav")})
    assert response.status_code == 413


def test_a_recording_of_more_than_a_day_is_refused(server: Server, tmp_path: Path) -> None:
    path = media.hours_of_silence(tmp_path / "long.aac", 24.1)
    with nothing_left(server), server.client() as client:
        response = client.post(UPLOAD, files={"file": ("long.aac", path.read_bytes(), "audio/aac")})
    assert response.status_code == 413
    assert "24 hours" in response.json()["error"]


def test_a_chunked_body_over_the_limit_is_refused(waiting_server: Server) -> None:
    def body() -> Iterator[bytes]:
        yield HEAD
        for _ in range(60):
            yield b"\0" * 50_000
        yield TAIL

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with nothing_left(waiting_server), waiting_server.client() as client:
        response = client.post(UPLOAD, content=body(), headers=headers)
    assert response.status_code == 413
    assert response.json()["max_size_mb"] == 1.0


def test_a_file_of_exactly_the_limit_is_taken(waiting_server: Server, tmp_path: Path) -> None:
    path = media.wav(tmp_path / "full.wav", np.zeros((1024 * 1024 - 44) // 2, np.int16))
    assert path.stat().st_size == 1024 * 1024
    assert waiting_server.upload(path)["file_size"] == 1024 * 1024


def test_a_client_that_asks_first_is_refused_before_it_sends(waiting_server: Server) -> None:
    with connection(waiting_server) as raw:
        raw.sendall(request(waiting_server, "Content-Length: 5000000000", "Expect: 100-continue"))
        status, body = answer(raw)
    assert (status, body["max_size_mb"]) == (413, 1.0)


def test_text_that_would_fill_the_memory_is_refused(server: Server) -> None:
    with nothing_left(server), server.client() as client:
        fields = {f"field{n}": "x" * 200_000 for n in range(10)}
        response = client.post(UPLOAD, data=fields, files={"file": ("a.wav", b"RIFF", "audio/wav")})
    assert response.status_code == 413
    assert "error" in response.json()


@pytest.mark.parametrize("length", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
def test_an_upload_that_breaks_off_leaves_nothing(waiting_server: Server, length: str) -> None:
    with nothing_left(waiting_server):
        before = files(waiting_server)
        with connection(waiting_server) as raw:
            part = HEAD + b"\0" * 100_000
            sent = part if "Length" in length else b"%x\r\n%s\r\n" % (len(part), part)
            raw.sendall(request(waiting_server, length) + sent)
            # The file is on its way in; then the line goes dead.
            eventually(lambda: len(files(waiting_server) - before), 1)


def test_a_body_that_ends_before_its_length_leaves_nothing(waiting_server: Server, silent_wav: Path) -> None:
    with nothing_left(waiting_server), connection(waiting_server) as raw:
        body = HEAD + silent_wav.read_bytes()
        raw.sendall(request(waiting_server, f"Content-Length: {len(body) + 10}") + body)
        raw.shutdown(socket.SHUT_WR)


@contextmanager
def small_disk(server: Server, size: int) -> Iterator[None]:
    """From here on the server process cannot write any file beyond `size` bytes."""
    process = psutil.Process(server.pid)
    _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))
    yield
    process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, hard))


@pytest.mark.parametrize("size", [3_000_000, 1_100_000], ids=["half way", "at the end"])
def test_a_disk_that_fills_up_is_said_and_leaves_nothing(server: Server, size: int) -> None:
    with nothing_left(server), small_disk(server, 1_080_000), server.client() as client:
        response = client.post(UPLOAD, files={"file": ("a.wav", b"\0" * size, "audio/wav")})
        assert response.status_code == 413, response.text
        assert "space" in response.json()["error"]


def test_when_there_is_space_again_uploads_are_taken(waiting_server: Server, silent_wav: Path) -> None:
    with small_disk(waiting_server, 1000), waiting_server.client() as client:
        response = client.post(UPLOAD, files={"file": ("a.wav", silent_wav.read_bytes(), "audio/wav")})
    assert response.status_code == 413
    assert waiting_server.upload(silent_wav)["status"] == "PENDING"


def test_a_json_body_that_would_fill_the_memory_is_refused(server: Server) -> None:
    with server.client() as client:
        response = client.post("/api/v1/recordings/1/transcribe", content=b'{"hotwords": "' + b"x" * 3_000_000)
    assert response.status_code == 413
    assert "error" in response.json()


def test_an_object_put_to_a_signed_address_is_bounded(waiting_server: Server) -> None:
    objects = waiting_server.data_dir / "objects"
    secret = (waiting_server.data_dir / "secret").read_text().encode()
    store = FolderStore(objects, f"{waiting_server.url}/objects/", secret)
    url = store.upload_url("test/large", content_type="", size=2_000_000, seconds=60)
    refused = httpx2.put(url, content=b"x" * 3_000_000)
    assert (refused.status_code, store.size("test/large")) == (413, None)
    assert list((objects / "incoming").iterdir()) == []
