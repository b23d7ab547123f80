"""The answers of each dialect, compared with committed snapshots, down to the order of the keys.

When a change is meant: `python -m pytest tests/dialects --update-golden`, and read the diff.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.support import golden, media
from tests.support.live import Watched, watch
from tests.support.server import Server

SPEAKR = "/api/v1/recordings"
#: snapshot name -> path behind the recording
READS = {
    "speakr-detail": "",
    "speakr-detail-minimal": "?format=minimal",
    "speakr-status": "/status",
    "speakr-transcript-json": "/transcript",
    "speakr-transcript-text": "/transcript?format=text",
    "speakr-transcript-srt": "/transcript?format=srt",
    "speakr-transcript-vtt": "/transcript?format=vtt",
    "speakr-summary": "/summary",
}
#: snapshot name -> method and path
ERRORS = {
    "speakr-error-400": ("GET", f"{SPEAKR}/1/transcript?format=pdf"),
    "speakr-error-404": ("GET", f"{SPEAKR}/99999999"),
    "speakr-error-404-path": ("GET", "/api/v1/nothing"),
    "speakr-error-405": ("PUT", f"{SPEAKR}/1"),
    "saled-error-404": ("GET", "/api/nothing"),
    "saled-error-405": ("POST", "/health"),
}


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def ask(server: Server, method: str, path: str, **options: Any) -> Any:
    with server.client() as client:
        return client.request(method, path, **options).json()


@pytest.mark.parametrize("name", READS)
def test_a_reading_door_answers_as_before(server: Server, meeting: Watched, name: str, update: bool) -> None:
    found = ask(server, "GET", f"{SPEAKR}/{meeting.id}{READS[name]}")
    golden.check(name, golden.normalised(found), update=update)


def test_the_list_answers_as_before(server: Server, meeting: Watched, update: bool) -> None:
    # By title and size: other tests upload to this server, too.
    query = {"q": "meeting", "status": "completed", "sort_by": "file_size", "per_page": 1}
    found = ask(server, "GET", SPEAKR, params=query)
    assert found["recordings"][0]["id"] == meeting.id
    found["pagination"] = {key: type(value).__name__ for key, value in found["pagination"].items()}
    golden.check("speakr-list", golden.normalised(found), update=update)


def test_an_upload_answers_as_before(meeting: Watched, update: bool) -> None:
    golden.check("speakr-upload", golden.normalised(meeting.uploaded), update=update)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_answers_as_before(server: Server, name: str, update: bool) -> None:
    method, path = ERRORS[name]
    golden.check(name, ask(server, method, path), update=update)


def test_a_missing_token_answers_as_before(secured_server: Server, update: bool) -> None:
    golden.check("speakr-error-401", ask(secured_server, "GET", SPEAKR), update=update)


def test_a_refused_upload_answers_as_before(server: Server, update: bool) -> None:
    files = {"file": ("a.mp3", b"text" * 100, "audio/mpeg")}
    golden.check("speakr-upload-refused", ask(server, "POST", f"{SPEAKR}/upload", files=files), update=update)


def test_a_duplicate_a_second_run_and_a_delete_answer_as_before(server: Server, tmp_path: Path, update: bool) -> None:
    path = media.wav(tmp_path / "twin.wav", media.silence(0.5))
    server.upload(path, title="First")
    twin = server.upload(path, title="Twin")
    golden.check("speakr-upload-duplicate", golden.normalised(twin), update=update)
    golden.check(
        "speakr-transcribe", golden.normalised(ask(server, "POST", f"{SPEAKR}/{twin['id']}/transcribe")), update=update
    )
    golden.check("speakr-pause", ask(server, "POST", f"{SPEAKR}/{twin['id']}/pause"), update=update)
    golden.check("speakr-resume", ask(server, "POST", f"{SPEAKR}/{twin['id']}/resume"), update=update)
    golden.check("speakr-cancel", ask(server, "POST", f"{SPEAKR}/{twin['id']}/cancel"), update=update)
    golden.check("speakr-error-409", ask(server, "POST", f"{SPEAKR}/{twin['id']}/pause"), update=update)
    golden.check("speakr-delete", ask(server, "DELETE", f"{SPEAKR}/{twin['id']}"), update=update)
    golden.check("saled-live-not-found", watch(server, twin).messages, update=update)


def test_the_live_messages_are_as_before(meeting: Watched, update: bool) -> None:
    """One message of each sort: the first with these words and keys."""
    sorts: dict[str, Any] = {}
    for message in meeting.messages:
        words = message.get("message", "segment").split(" ")[0]
        sorts.setdefault(words, golden.normalised(message))
    golden.check("saled-live", sorts, update=update)


@pytest.mark.parametrize(("name", "path"), [("saled-health", "/health"), ("saled-root", "/")])
def test_the_service_pages_answer_as_before(server: Server, name: str, path: str, update: bool) -> None:
    golden.check(name, golden.normalised(ask(server, "GET", path)), update=update)


@pytest.mark.parametrize(
    ("name", "path"), [("openapi-root", "/openapi.json"), ("openapi-speakr", "/api/v1/openapi.json")]
)
def test_the_openapi_document_is_as_before(server: Server, name: str, path: str, update: bool) -> None:
    golden.check(name, ask(server, "GET", path), update=update)
