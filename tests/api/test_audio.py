"""The audio door: whole, in ranges, and safe to open in a browser whatever was uploaded."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from tests.support.server import Server


@pytest.fixture(scope="module")
def audio(waiting_server: Server, silent_wav: Path) -> dict[str, Any]:
    return waiting_server.upload(silent_wav)


def fetch(
    server: Server, audio: dict[str, Any], method: str = "GET", query: str = "", **headers: str
) -> httpx2.Response:
    with server.client() as client:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.request(method, f"/api/v1/recordings/{audio['id']}/audio{query}", headers=names)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-100", 100, 100),
        ("bytes=32000-", 32000, 32043),
        ("bytes=-44", 32000, 32043),
        ("bytes=-99999999", 0, 32043),
        ("bytes=32000-99999999", 32000, 32043),
        ("Bytes=0-0", 0, 0),
    ],
)
def test_a_range_comes_exactly(
    waiting_server: Server, audio: dict[str, Any], silent_wav: Path, asked: str, first: int, last: int
) -> None:
    response = fetch(waiting_server, audio, range=asked)
    assert response.status_code == 206
    assert response.headers["content-range"] == f"bytes {first}-{last}/32044"
    assert response.content == silent_wav.read_bytes()[first : last + 1]
    assert response.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=32044-", "bytes=99999999-100000000", "bytes=-0", f"bytes={'9' * 50}-"])
def test_a_range_behind_the_end_is_a_416_in_json(waiting_server: Server, audio: dict[str, Any], asked: str) -> None:
    response = fetch(waiting_server, audio, range=asked)
    assert response.status_code == 416
    assert response.headers["content-range"] == "bytes */32044"
    assert "32044" in response.json()["error"]


@pytest.mark.parametrize(
    "asked",
    [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "seconds=0-1",
        "bytes=0-1,5-6",
        "bytes=1-2-3",
        "bytes=+1-2",
    ],
)
def test_a_range_that_cannot_be_read_is_no_range(waiting_server: Server, audio: dict[str, Any], asked: str) -> None:
    response = fetch(waiting_server, audio, range=asked)
    assert (response.status_code, len(response.content)) == (200, 32044)


def test_a_range_of_an_older_file_gets_the_whole_new_one(waiting_server: Server, audio: dict[str, Any]) -> None:
    tag = fetch(waiting_server, audio, "HEAD").headers["etag"]
    assert fetch(waiting_server, audio, range="bytes=0-9", if_range=tag).status_code == 206
    assert fetch(waiting_server, audio, range="bytes=0-9", if_range='"other"').status_code == 200


def test_head_tells_the_size_and_sends_nothing(waiting_server: Server, audio: dict[str, Any]) -> None:
    response = fetch(waiting_server, audio, "HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "32044"
    assert response.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("query", ["", "?download=false", "?download=0", "?download=maybe", "?download="])
def test_audio_is_shown_in_place_unless_a_download_is_asked_for(
    waiting_server: Server, audio: dict[str, Any], query: str
) -> None:
    disposition = fetch(waiting_server, audio, "HEAD", query).headers["content-disposition"]
    assert disposition == 'inline; filename="silent.wav"'


@pytest.mark.parametrize(
    "name", ["🎙️ „Rat“ 'x'.wav", "a;b=c, d.wav", "filename*=utf-8''x.wav", "%0d%0aSet-Cookie: a=b.wav"]
)
def test_a_download_carries_its_name_whatever_is_in_it(waiting_server: Server, silent_wav: Path, name: str) -> None:
    with waiting_server.client() as client:
        files = {"file": (name, silent_wav.read_bytes(), "audio/wav")}
        uploaded = client.post("/api/v1/recordings/upload", files=files).json()
    response = fetch(waiting_server, uploaded, "HEAD", "?download=True")
    kind, _, told = response.headers["content-disposition"].partition("; filename*=utf-8''")
    assert kind == "attachment"
    assert unquote(told) == name == uploaded["original_filename"]
    assert "set-cookie" not in response.headers


def test_a_page_that_claims_to_be_audio_cannot_run(waiting_server: Server, silent_wav: Path) -> None:
    with waiting_server.client() as client:
        files = {"file": ("evil.html", silent_wav.read_bytes(), "text/html")}
        uploaded = client.post("/api/v1/recordings/upload", files=files).json()
    response = fetch(waiting_server, uploaded)
    assert response.headers["content-type"] == "audio/mpeg"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_audio_whose_file_is_gone_is_a_404(waiting_server: Server, silent_wav: Path) -> None:
    uploaded = waiting_server.upload(silent_wav)
    (waiting_server.data_dir / "objects" / "files" / "audio" / uploaded["uuid"]).unlink()
    response = fetch(waiting_server, uploaded)
    assert response.status_code == 404
    assert "audio" in response.json()["error"]
