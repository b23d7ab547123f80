"""Parts that die, hang or never come: the server says so, comes back by itself, and forgets nothing."""

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.support.platform import FaithfulClient, Platform
from tests.support.waiting import until

Segments = list[dict[str, Any]]


def test_a_server_killed_during_an_upload_leaves_nothing_of_it(platform: Platform, clip: Path) -> None:
    incoming = platform.server.data_dir / "objects" / "incoming"
    before = platform.ledger.rows("SELECT count(*) FROM recordings")
    address = urlsplit(platform.server.url)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(_half_an_upload(clip.read_bytes()))
        until(lambda: any(file.stat().st_size for file in incoming.iterdir()))
        platform.kill_server()
    platform.server.start()
    assert list(incoming.iterdir()) == []
    assert platform.leftovers() == set()
    assert platform.ledger.rows("SELECT count(*) FROM recordings") == before
    uploaded = platform.server.upload(clip)
    with platform.server.client() as again:
        assert again.delete(f"/api/v1/recordings/{uploaded['id']}").status_code == 200
    until(lambda: not platform.workers())
    assert platform.leftovers() == set()


def _half_an_upload(data: bytes) -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    body = head + data * 3
    return (
        b"POST /api/v1/recordings/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: multipart/form-data; boundary=cut\r\n"
        b"Content-Length: %d\r\n\r\n" % (2 * len(body)) + body
    )


def test_a_database_that_is_killed_comes_back_and_the_job_goes_on(
    platform: Platform, clip: Path, undisturbed: Segments
) -> None:
    uploaded = platform.server.upload(clip)
    client = FaithfulClient(platform.server, uploaded["uuid"])
    until(lambda: platform.ledger.job(uploaded["id"])["slices_done"] >= 1)
    logged = len(platform.server.logged())
    psutil.Process(platform.ledger.postmaster()).kill()
    answers = [platform.get(uploaded["id"], "/status")]
    until(lambda: answers.append(platform.get(uploaded["id"], "/status")) or answers[-1].is_success)
    assert {answer.status_code for answer in answers} <= {200, 503}
    for refused in (answer for answer in answers if answer.status_code == 503):
        assert refused.json()["error"] == "The database does not answer."
    assert platform.server.wait_for(uploaded["id"])["status"] == "COMPLETED"
    platform.check_whole(uploaded["id"], undisturbed)
    client.check_saw_all(platform.ledger, uploaded["id"])
    assert "Traceback" not in platform.server.logged()[logged:]


def test_a_worker_that_hangs_is_replaced_when_its_lease_runs_out(
    platform: Platform, clip: Path, undisturbed: Segments
) -> None:
    uploaded = platform.server.upload(clip)
    until(lambda: platform.ledger.job(uploaded["id"])["slices_done"] >= 1)
    hanging = platform.workers()[0]
    hanging.suspend()
    until(lambda: platform.ledger.job(uploaded["id"])["attempt"] == 2)
    until(lambda: not hanging.is_running() or hanging.status() == psutil.STATUS_ZOMBIE)
    assert platform.server.wait_for(uploaded["id"])["status"] == "COMPLETED"
    platform.check_whole(uploaded["id"], undisturbed)


def test_after_the_last_attempt_the_recording_says_why_it_failed(platform: Platform, clip: Path) -> None:
    uploaded = platform.server.upload(clip)
    attempts = 0
    while platform.ledger.job(uploaded["id"])["status"] != "failed":
        attempts += 1
        until(lambda: _running(platform, uploaded["id"], attempts))  # noqa: B023 - called before it changes
        platform.workers()[0].kill()
        until(lambda: not _running(platform, uploaded["id"], attempts))  # noqa: B023
    assert attempts == 3
    status = platform.get(uploaded["id"], "/status").json()
    assert status["error_message"] == "The worker was ended by signal SIGKILL. Given up after 3 attempts."
    assert platform.get(uploaded["id"], "/transcript").status_code == 404
    assert not platform.processes() or [each for each in platform.processes() if each.pid != platform.server.pid] == []


def _running(platform: Platform, recording_id: int, attempt: int) -> bool:
    job = platform.ledger.job(recording_id)
    return job["status"] == "running" and job["attempt"] == attempt and bool(platform.workers())


@pytest.mark.parametrize("setting", ["llm_model"])
def test_a_setting_that_cannot_be_is_told_at_the_recording(tmp_path: Path, clip: Path, setting: str) -> None:
    from tests.support.server import Server

    with Server(tmp_path / "data", llm_url="http://127.0.0.1:1/v1", max_attempts="1") as server:
        uploaded = server.upload(clip)
        status = server.wait_for(uploaded["id"])
    assert (status["status"], "HANSARD_LLM_MODEL" in status["error_message"]) == ("FAILED", True)
