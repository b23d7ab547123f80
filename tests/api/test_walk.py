"""One recording through every reading door: what each of them says of the sample meeting."""

import re
from typing import Any

import pytest

from tests.support.live import Watched
from tests.support.server import MEETING, Server

Z_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def get(server: Server, path: str) -> Any:
    with server.client() as client:
        response = client.get(f"/api/v1/recordings{path}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_an_upload_is_answered_at_once_as_pending(meeting: Watched) -> None:
    uploaded = meeting.uploaded
    assert uploaded["status"] == "PENDING"
    assert uploaded["title"] == "Recording - meeting.flac"
    assert uploaded["original_filename"] == "meeting.flac"
    assert uploaded["file_size"] == MEETING.stat().st_size
    assert uploaded["mime_type"] == "audio/flac"
    assert uploaded["notes"] == "Weekly"
    assert uploaded["audio_duration"] == pytest.approx(54.46, abs=0.1)


def test_the_status_says_completed(server: Server, meeting: Watched) -> None:
    status = get(server, f"/{meeting.id}/status")
    assert (status["status"], status["progress"]) == ("COMPLETED", 100)
    assert status["queue_position"] is None
    assert status["error_message"] is None
    assert Z_TIME.fullmatch(status["completed_at"])


def test_the_list_shows_it_with_everything_but_texts(server: Server, meeting: Watched) -> None:
    found = [item for item in get(server, "?per_page=100")["recordings"] if item["id"] == meeting.id]
    assert len(found) == 1
    assert found[0]["has_transcription"] is True
    assert found[0]["has_summary"] is True
    assert not {"transcription", "summary", "notes"} & found[0].keys()


def test_a_title_that_was_not_given_comes_from_what_was_said(server: Server, meeting: Watched) -> None:
    title = get(server, f"/{meeting.id}")["title"]
    assert title != "Recording - meeting.flac"
    assert "Meeting" in title


def test_the_detail_holds_the_texts(server: Server, meeting: Watched) -> None:
    detail = get(server, f"/{meeting.id}")
    assert detail["notes"] == "Weekly"
    assert detail["transcription"].startswith("[SPEAKER_00]: Hello everyone")
    assert "meeting" in detail["summary"]
    assert detail["language"] == "en"
    assert detail["transcription_duration_seconds"] > 0


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("?format=minimal", set()),
        ("?format=minimal&include=notes", set()),
        ("?include=notes", {"notes"}),
        ("?include=summary,%20notes,nonsense", {"summary", "notes"}),
        ("?include=", set()),
        ("?format=anything", {"transcription", "summary", "notes"}),
    ],
)
def test_the_detail_leaves_out_texts_that_are_not_wanted(
    server: Server, meeting: Watched, query: str, texts: set[str]
) -> None:
    detail = get(server, f"/{meeting.id}{query}")
    assert {"transcription", "summary", "notes"} & detail.keys() == texts
    assert {"duplicate_info", "tags", "events", "folder", "mime_type"} <= detail.keys()


def test_every_time_ends_in_z(server: Server, meeting: Watched) -> None:
    detail = get(server, f"/{meeting.id}")
    times = [detail[name] for name in ("created_at", "completed_at", "meeting_date")]
    assert [time for time in times if not Z_TIME.fullmatch(time)] == []


def test_a_meeting_date_of_another_zone_is_converted(server: Server, meeting: Watched) -> None:
    assert get(server, f"/{meeting.id}")["meeting_date"] == "2026-03-02T07:00:00Z"


def test_the_transcript_has_three_speakers_in_order_of_time(server: Server, meeting: Watched) -> None:
    segments = get(server, f"/{meeting.id}/transcript")["segments"]
    assert {segment["speaker"] for segment in segments} == {"SPEAKER_00", "SPEAKER_01", "SPEAKER_02"}
    assert segments[0].keys() == {"speaker", "sentence", "start_time", "end_time"}
    starts = [segment["start_time"] for segment in segments]
    assert starts == sorted(starts)
    assert all(0 <= segment["start_time"] < segment["end_time"] <= 54.5 for segment in segments)


@pytest.mark.parametrize(
    ("form", "grammar"),
    [
        ("text", r"(\[SPEAKER_\d\d\]: [^\n]+\n?)+"),
        ("srt", r"(\d+\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\nSPEAKER_\d\d: [^\n]+\n\n?)+"),
        ("vtt", r"WEBVTT\n\n(\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}\n<v SPEAKER_\d\d>[^\n]+\n\n?)+"),
    ],
)
def test_each_text_format_comes_as_json_with_content(server: Server, meeting: Watched, form: str, grammar: str) -> None:
    answer = get(server, f"/{meeting.id}/transcript?format={form.upper()}")
    assert answer.keys() == {"format", "content"}
    assert answer["format"] == form
    assert re.fullmatch(grammar, answer["content"])


def test_the_summary_comes_in_parts_and_says_who_wrote_it(server: Server, meeting: Watched) -> None:
    summary = get(server, f"/{meeting.id}/summary")
    assert summary["has_summary"] is True
    assert summary["model_used"] == "extractive"
    assert summary["key_points"]
    assert summary["topics"]
    assert any("plan" in item["text"] for item in summary["action_items"])


def test_the_audio_comes_back_as_it_was_sent(server: Server, meeting: Watched) -> None:
    with server.client() as client:
        response = client.get(f"/api/v1/recordings/{meeting.id}/audio")
    assert response.content == MEETING.read_bytes()
    assert response.headers["content-type"] == "audio/flac"


def test_head_is_answered_like_get_without_the_body(server: Server, meeting: Watched) -> None:
    with server.client() as client:
        response = client.head(f"/api/v1/recordings/{meeting.id}")
        assert client.head("/api/v1/recordings/99999999").status_code == 404
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["content-type"] == "application/json"
