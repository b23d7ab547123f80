"""Uploads that are taken in: any format, any name, any reasonable form."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support import media
from tests.support.server import Server

UPLOAD = "/api/v1/recordings/upload"


def upload(
    server: Server, path: Path, name: str | None = None, kind: str = "audio/wav", **fields: str
) -> dict[str, Any]:
    with server.client() as client:
        files = {"file": (path.name if name is None else name, path.read_bytes(), kind)}
        response = client.post(UPLOAD, files=files, data=fields)
    assert response.status_code == 202, response.text
    return response.json()


def detail(server: Server, recording_id: int) -> dict[str, Any]:
    with server.client() as client:
        return client.get(f"/api/v1/recordings/{recording_id}").json()


@pytest.mark.parametrize("name", media.FORMATS)
def test_every_usual_format_is_taken(waiting_server: Server, tmp_path: Path, name: str) -> None:
    path = media.encoded(tmp_path / name, media.speech(1))
    assert upload(waiting_server, path)["audio_duration"] == pytest.approx(1.0, abs=0.1)


def test_a_video_is_taken_for_its_sound(waiting_server: Server, tmp_path: Path) -> None:
    path = media.encoded(tmp_path / "talk.mp4", media.speech(1), video=True)
    answer = upload(waiting_server, path, kind="video/mp4")
    assert answer["mime_type"] == "video/mp4"
    assert answer["audio_duration"] == pytest.approx(1.0, abs=0.1)


def test_a_truncated_mp3_is_taken_as_far_as_it_goes(waiting_server: Server, tmp_path: Path) -> None:
    whole = media.encoded(tmp_path / "speech.mp3", media.speech(4))
    answer = upload(waiting_server, media.cut_short(tmp_path / "cut.mp3", whole, 0.5), kind="audio/mpeg")
    assert 1.5 < answer["audio_duration"] < 2.5


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.wav", "passwd.wav"),
        ("..\\..\\windows\\system.wav", "system.wav"),
        ("/absolute/path.wav", "path.wav"),
        ("..", "recording"),
        ("Sitzung 🎙️ Ärger “x”.wav", "Sitzung 🎙️ Ärger “x”.wav"),
        ("会議 録音.wav", "会議 録音.wav"),
        ("a\x1b[31m.wav", "a[31m.wav"),
        ("n" * 400 + ".wav", "n" * 251 + ".wav"),
    ],
)
def test_of_a_name_only_the_last_part_is_kept(
    waiting_server: Server, silent_wav: Path, tmp_path: Path, sent: str, kept: str
) -> None:
    answer = upload(waiting_server, silent_wav, name=sent)
    assert answer["original_filename"] == kept
    stored = waiting_server.data_dir / "objects" / "files" / "audio" / answer["uuid"]
    assert stored.read_bytes() == silent_wav.read_bytes()


def test_a_name_with_quotes_and_backslashes_survives(waiting_server: Server, silent_wav: Path) -> None:
    assert upload(waiting_server, silent_wav, name='say "hi".wav')["original_filename"] in (
        'say "hi".wav',
        "say %22hi%22.wav",
    )


def test_unicode_survives_everywhere(waiting_server: Server, silent_wav: Path) -> None:
    title, notes = "Müller & Söhne 🏗️ <b>", "Zeile 1\nمرحبا\u2028 <script>"
    found = detail(waiting_server, upload(waiting_server, silent_wav, title=title, notes=notes)["id"])
    assert (found["title"], found["notes"]) == (title, notes)


def test_a_title_of_200_characters_is_taken_and_trimmed(waiting_server: Server, silent_wav: Path) -> None:
    assert upload(waiting_server, silent_wav, title=f"  {'ü' * 200} ")["title"] == "ü" * 200


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"meeting_date": "2026-05-06T10:00:00+02:00"}, "2026-05-06T08:00:00Z"),
        ({"meeting_date": "2026-05-06T10:00:00Z"}, "2026-05-06T10:00:00Z"),
        ({"meeting_date": "2026-05-06T10:00:00"}, "2026-05-06T10:00:00Z"),
        ({"meeting_date": "2026-05-06"}, "2026-05-06T00:00:00Z"),
        ({"file_last_modified": "1767225600123"}, "2026-01-01T00:00:00.123000Z"),
        ({"meeting_date": "2026-05-06", "file_last_modified": "1767225600123"}, "2026-05-06T00:00:00Z"),
        ({"meeting_date": "yesterday", "file_last_modified": "1767225600000"}, "2026-01-01T00:00:00Z"),
    ],
)
def test_the_meeting_date_is_kept_in_utc(
    waiting_server: Server, silent_wav: Path, fields: dict[str, str], expected: str
) -> None:
    answer = upload(waiting_server, silent_wav, **fields)
    assert answer["meeting_date"] == expected
    assert detail(waiting_server, answer["id"])["meeting_date"] == expected


def test_without_a_meeting_date_the_recorder_tells_it(waiting_server: Server, tmp_path: Path) -> None:
    file = media.encoded(tmp_path / "phone.m4a", media.silence(1), recorded_at="2026-03-04T05:06:07Z")
    assert upload(waiting_server, file)["meeting_date"] == "2026-03-04T05:06:07Z"
    assert upload(waiting_server, file, meeting_date="2026-05-06")["meeting_date"] == "2026-05-06T00:00:00Z"


@pytest.mark.parametrize(
    "fields",
    [
        {"meeting_date": "0001-01-01T00:00:00Z"},
        {"meeting_date": "9999-12-31T23:59:59Z"},
        {"meeting_date": "9999-12-31T23:59:59-14:00"},
        {"file_last_modified": "9" * 30},
        {"file_last_modified": "9" * 5000},
        {"file_last_modified": "253402300799000"},
        {"file_last_modified": "-62135596800000"},
        {"file_last_modified": "NaN"},
    ],
)
def test_a_date_that_cannot_be_meant_gives_the_present(
    waiting_server: Server, silent_wav: Path, fields: dict[str, str]
) -> None:
    answer = upload(waiting_server, silent_wav, **fields)
    assert detail(waiting_server, answer["id"])["meeting_date"][:4] == answer["created_at"][:4]


def test_numbers_that_are_none_are_ignored(waiting_server: Server, silent_wav: Path) -> None:
    upload(waiting_server, silent_wav, min_speakers="two", max_speakers="9" * 5000, language="", transcription_model="")


def test_the_same_bytes_again_are_taken_with_a_warning(waiting_server: Server, tmp_path: Path) -> None:
    path = media.wav(tmp_path / "twin.wav", media.speech(0.5, start=30))
    first = upload(waiting_server, path, title="First")
    second = upload(waiting_server, path, title="Second")
    assert first["duplicate_info"] is None
    assert first["duplicate_warning"] is None
    assert second["duplicate_warning"]["existing_recording_id"] == first["id"]
    assert second["duplicate_warning"]["existing_title"] == "First"
    copies = detail(waiting_server, first["id"])["duplicate_info"]["copies"]
    assert [(copy["title"], copy["is_self"]) for copy in copies] == [("First", True), ("Second", False)]


def test_two_uploads_at_once_are_both_stored_whole(waiting_server: Server, tmp_path: Path) -> None:
    paths = [media.wav(tmp_path / f"{n}.wav", media.speech(20, start=n * 20)) for n in range(2)]
    answers: dict[str, dict[str, Any]] = {}

    def send(path: Path) -> None:
        answers[path.name] = upload(waiting_server, path)

    threads = [threading.Thread(target=send, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({answer["id"] for answer in answers.values()}) == 2
    for path in paths:
        stored = waiting_server.data_dir / "objects" / "files" / "audio" / answers[path.name]["uuid"]
        assert hashlib.sha256(stored.read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_a_recording_of_ten_hours_is_taken(server: Server, tmp_path: Path) -> None:
    answer = upload(server, media.hours_of_silence(tmp_path / "long.aac", 10), kind="audio/aac")
    assert answer["audio_duration"] == pytest.approx(36_000, abs=20)
    with server.client() as client:
        assert client.delete(f"/api/v1/recordings/{answer['id']}").status_code == 200


def test_silence_is_completed_without_words(server: Server, silent_wav: Path) -> None:
    answer = upload(server, silent_wav)
    assert server.wait_for(answer["id"])["status"] == "COMPLETED"
    with server.client() as client:
        assert client.get(f"/api/v1/recordings/{answer['id']}/transcript").json()["segments"] == []
        summary = client.get(f"/api/v1/recordings/{answer['id']}/summary").json()
    assert (summary["summary"], summary["has_summary"]) == (None, False)
