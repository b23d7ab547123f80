"""The work on a recording, as people steer it: queue, pause, resume, cancel, once more, delete."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.leftovers import files
from tests.support.live import Watched
from tests.support.server import Server


def act(server: Server, recording_id: int, action: str, **body: Any) -> httpx2.Response:
    with server.client() as client:
        return client.post(f"/api/v1/recordings/{recording_id}/{action}", json=body)


def status(server: Server, recording_id: int) -> dict[str, Any]:
    with server.client() as client:
        return client.get(f"/api/v1/recordings/{recording_id}/status").json()


def test_the_queue_is_told_from_1_and_moves_up(waiting_server: Server, silent_wav: Path) -> None:
    first, second = (waiting_server.upload(silent_wav)["id"] for _ in range(2))
    ahead = status(waiting_server, first)["queue_position"]
    assert ahead >= 1
    assert status(waiting_server, second)["queue_position"] == ahead + 1
    act(waiting_server, first, "cancel")
    assert status(waiting_server, second)["queue_position"] == ahead
    assert status(waiting_server, first)["queue_position"] is None


def test_a_paused_job_waits_until_it_is_resumed(waiting_server: Server, silent_wav: Path) -> None:
    recording_id = waiting_server.upload(silent_wav)["id"]
    assert act(waiting_server, recording_id, "pause").json()["success"] is True
    paused = status(waiting_server, recording_id)
    assert (paused["status"], paused["queue_position"]) == ("PENDING", None)
    assert act(waiting_server, recording_id, "resume").json()["success"] is True
    assert status(waiting_server, recording_id)["queue_position"] >= 1


def test_a_cancelled_first_run_is_failed_with_the_reason(waiting_server: Server, silent_wav: Path) -> None:
    recording_id = waiting_server.upload(silent_wav)["id"]
    act(waiting_server, recording_id, "cancel")
    found = status(waiting_server, recording_id)
    assert (found["status"], found["error_message"]) == ("FAILED", "Cancelled.")


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_what_is_finished_cannot_be_steered(server: Server, meeting: Watched, action: str) -> None:
    response = act(server, meeting.id, action)
    assert response.status_code == 409
    assert "not being processed" in response.json()["error"]


def test_what_runs_or_waits_cannot_be_resumed_nor_paused_twice(waiting_server: Server, silent_wav: Path) -> None:
    recording_id = waiting_server.upload(silent_wav)["id"]
    assert act(waiting_server, recording_id, "resume").status_code == 409
    act(waiting_server, recording_id, "pause")
    assert act(waiting_server, recording_id, "pause").status_code == 409


def test_a_job_that_is_open_is_not_queued_twice(waiting_server: Server, silent_wav: Path) -> None:
    recording_id = waiting_server.upload(silent_wav)["id"]
    first = act(waiting_server, recording_id, "transcribe").json()
    second = act(waiting_server, recording_id, "transcribe", language="en", max_speakers=3).json()
    assert first["status"] == "QUEUED"
    assert second["job_id"] == first["job_id"]


def test_a_transcription_needs_no_body(waiting_server: Server, silent_wav: Path) -> None:
    recording_id = waiting_server.upload(silent_wav)["id"]
    with waiting_server.client() as client:
        assert client.post(f"/api/v1/recordings/{recording_id}/transcribe").status_code == 200
        plain = client.post(f"/api/v1/recordings/{recording_id}/transcribe", content=b'{"unknown": 1}')
    assert plain.status_code == 200


@pytest.fixture(scope="module")
def done(server: Server, short_wav: Path) -> int:
    """A short recording with its transcript."""
    recording_id = server.upload(short_wav)["id"]
    assert server.wait_for(recording_id)["status"] == "COMPLETED"
    return recording_id


def test_once_more_the_old_transcript_stays_until_the_new_one_is_there(server: Server, done: int) -> None:
    with server.client() as client:
        before = client.get(f"/api/v1/recordings/{done}/transcript").json()["segments"]
        assert act(server, done, "transcribe", max_speakers=1).json()["success"] is True
        during = client.get(f"/api/v1/recordings/{done}/transcript").json()["segments"]
        server.wait_for(done)
        after = client.get(f"/api/v1/recordings/{done}/transcript").json()["segments"]
    assert before == during
    assert before
    assert len(after) == len({segment["start_time"] for segment in after}) > 0


def test_a_new_summary_is_written_by_a_worker_and_leaves_the_transcript(server: Server, done: int) -> None:
    with server.client() as client:
        before = client.get(f"/api/v1/recordings/{done}/transcript").json()["segments"]
        queued = act(server, done, "summarize", custom_prompt="In verse.")
        assert (queued.status_code, queued.json()["status"]) == (200, "QUEUED")
        assert server.wait_for(done)["status"] == "COMPLETED"
        found = client.get(f"/api/v1/recordings/{done}/transcript").json()
        summary = client.get(f"/api/v1/recordings/{done}/summary").json()
    assert found["segments"] == before
    assert summary["model_used"] == "extractive"
    assert found["warnings"][-1].startswith("The summary leaves its prompt out")


def test_a_cancelled_second_run_leaves_the_first_transcript(server: Server, done: int) -> None:
    act(server, done, "transcribe")
    assert act(server, done, "cancel").status_code == 200
    assert status(server, done)["status"] == "COMPLETED"
    with server.client() as client:
        assert client.get(f"/api/v1/recordings/{done}/transcript").json()["segments"]


def test_deleting_removes_audio_and_everything_and_is_not_repeated(waiting_server: Server, silent_wav: Path) -> None:
    before = files(waiting_server)
    recording_id = waiting_server.upload(silent_wav)["id"]
    with waiting_server.client() as client:
        gone = client.delete(f"/api/v1/recordings/{recording_id}")
        assert gone.json() == {"success": True, "message": "The recording is deleted."}
        for part in ("", "/status", "/transcript", "/summary", "/audio"):
            assert client.get(f"/api/v1/recordings/{recording_id}{part}").status_code == 404
        assert client.delete(f"/api/v1/recordings/{recording_id}").status_code == 404
    assert files(waiting_server) == before


def test_an_id_is_never_used_again(waiting_server: Server, silent_wav: Path) -> None:
    first = waiting_server.upload(silent_wav)["id"]
    with waiting_server.client() as client:
        client.delete(f"/api/v1/recordings/{first}")
    assert waiting_server.upload(silent_wav)["id"] > first


def test_a_recording_that_is_worked_on_can_be_deleted(server: Server, short_wav: Path) -> None:
    recording_id = server.upload(short_wav)["id"]
    server.wait_for(recording_id, "PROCESSING", "COMPLETED")
    with server.client() as client:
        assert client.delete(f"/api/v1/recordings/{recording_id}").status_code == 200
        assert client.get(f"/api/v1/recordings/{recording_id}/status").status_code == 404
