"""`hansard worker`: it does the work of a server elsewhere, and neither of the two minds when the other dies."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from api.worker_server import serve
from shared.domain.errors import Invalid
from shared.domain.tasks import PROTOCOL_VERSION, TranscribeTask
from shared.wire import task_to_json
from shared.wiring import local
from shared.wiring.settings import Settings
from tests.support import media
from tests.support.ledger import Ledger
from tests.support.server import ROOT, Server
from tests.support.waiting import until
from tests.support.worker import Worker, serving

PATIENT = (sys.executable, "-c", "import sys; sys.stdin.read()")
TASK = TranscribeTask(1, 1, "http://127.0.0.1/audio", "http://127.0.0.1/jobs/1", "token")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("worker") / "worker.log", token="secret", processes=2).start()
    yield made
    if made.runs:
        made.stop()
    assert "Traceback" not in made.logged()


@pytest.fixture(scope="module")
def served(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has its speech work done by the worker."""
    settings = {"worker_url": worker.url, "worker_token": "secret", "lease_seconds": "4", "slice_seconds": "5"}
    # What the server itself would do with it would fail.
    with Server(tmp_path_factory.mktemp("served") / "data", engine="nonsense", **settings) as running:
        yield running
    assert "Traceback" not in running.logged()


@pytest.fixture
def here(worker: Worker) -> Worker:
    """The worker runs, whatever the test before did to it."""
    return worker if worker.runs else worker.start()


def hansard_worker(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HANSARD_ENGINE": "pocketsphinx", "COLUMNS": "200", "NO_COLOR": "1", **settings}
    command = [sys.executable, "-m", "api", "worker", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def refused(ended: "subprocess.CompletedProcess[str]") -> str:
    assert (ended.returncode, ended.stdout, "Traceback" in ended.stderr) == (1, "", False), ended.stderr
    return re.sub(r"\s+", " ", ended.stderr)


def gone(processes: list[psutil.Process]) -> bool:
    return all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in processes)


def test_the_meeting_goes_through_on_another_machine_while_the_server_is_killed(here: Worker, served: Server) -> None:
    ledger = Ledger(served.data_dir)
    meeting = served.upload()["id"]
    until(lambda: ledger.job(meeting)["slices_done"] >= 1, told=here.logged)
    served.kill()
    assert here.state()["running"] == 1
    served.start()
    assert served.wait_for(meeting)["status"] == "COMPLETED", here.logged()
    assert ledger.job(meeting)["attempt"] == 1, "the work went on"
    assert served.workers() == [], "the server itself does no speech work"
    until(lambda: here.state() == {"room": 2, "running": 0, "version": PROTOCOL_VERSION})


def test_a_full_worker_lets_jobs_wait_and_a_cancelled_one_ends_at_once(
    here: Worker, served: Server, short_wav: Path
) -> None:
    long = [served.upload() for _ in range(2)]
    short = served.upload(short_wav)
    until(lambda: here.state()["room"] == 0 and len(here.processes()) >= 2)
    with served.client() as client:
        waiting = client.get(f"/api/v1/recordings/{short['id']}/status").json()
        assert (waiting["status"], waiting["queue_position"]) == ("PENDING", 1)
        family = here.processes()
        for each in long:
            assert client.post(f"/api/v1/recordings/{each['id']}/cancel").is_success
    until(lambda: gone(family))
    assert served.wait_for(short["id"])["status"] == "COMPLETED"


def test_a_worker_that_is_killed_is_followed_by_the_next_on_its_port(
    here: Worker, served: Server, tmp_path: Path
) -> None:
    ledger = Ledger(served.data_dir)
    clip = served.upload(media.wav(tmp_path / "clip.wav", media.speech(20)))["id"]
    until(lambda: ledger.job(clip)["slices_done"] >= 1, told=here.logged)
    attempt, family = ledger.job(clip)["attempt"], here.processes()
    here.kill()
    until(lambda: gone(family))
    here.start(token="another")
    until(lambda: ledger.job(clip)["status"] == "queued", told=served.logged)
    until(lambda: "does not know this token" in served.logged())
    job = ledger.job(clip)
    assert (job["status"], job["attempt"]) == ("queued", attempt), "waiting for a worker costs no attempt"
    here.stop()
    here.start()
    assert served.wait_for(clip)["status"] == "COMPLETED"
    assert ledger.job(clip)["attempt"] > attempt


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_told_to_stop_ends_its_work_and_is_content(tmp_path: Path, told: signal.Signals) -> None:
    worker = Worker(tmp_path / "log").start()
    # Nobody takes its reports, so it stays at work.
    assert httpx2.post(f"{worker.url}/tasks", content=task_to_json(TASK)).status_code == 202
    until(worker.processes)
    family = worker.processes()
    assert worker.stop(told) == 0, worker.logged()
    until(lambda: gone(family))
    assert "Traceback" not in worker.logged()


def test_a_worker_says_where_it_answers_and_which_engine_it_takes(here: Worker) -> None:
    lines = [line for line in here.logged().splitlines() if here.url in line]
    assert lines
    assert set(lines) == {f"Worker answers at {here.url}, speech to text by pocketsphinx, model en-us. Ctrl-C stops."}


@pytest.mark.parametrize("credential", [None, "secret", "Bearer wrong", "Bearer", "Basic secret", "Bearer \xe9"])
def test_the_doors_want_the_token_and_health_does_not(credential: str | None) -> None:
    headers = {} if credential is None else {"Authorization": credential.encode("latin-1")}
    with serving(PATIENT, 1, token="secret") as url, httpx2.Client(base_url=url, headers=headers) as client:
        assert client.get("/health").json() == {"status": "healthy"}
        answers = [client.get("/tasks"), client.post("/tasks", content=b"{"), client.delete("/tasks/1.1")]
        assert [answer.status_code for answer in answers] == [401] * 3
        assert all("HANSARD_WORKER_TOKEN" in answer.json()["detail"] for answer in answers)
        client.headers["Authorization"] = "bearer secret"
        assert client.get("/tasks").json() == {"room": 1, "running": 0, "version": PROTOCOL_VERSION}
        assert client.delete("/tasks/1.1").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "This is not a task"),
        (b"{", 400, "not JSON"),
        (b'{"job_id": 1}', 400, "This is not a task"),
        (b'"' + b"x" * 1_100_000 + b'"', 413, "larger than 1024 KiB"),
        (task_to_json(TranscribeTask(1, 1, "http://a", "http://b", "t", version=99)), 400, "speaks protocol 99"),
        (task_to_json(TranscribeTask(1, 1, "/etc/passwd", "http://b", "t")), 400, "http:// or https://"),
        (task_to_json(TranscribeTask(1, 1, "http://a", "file:///b", "t")), 400, "http:// or https://"),
        (task_to_json(TranscribeTask(1, 1, "", "http://b", "t")), 400, "http:// or https://"),
        (task_to_json(TranscribeTask(1, 1, "", "file:///b", "t", kind="summarize")), 400, "http:// or https://"),
    ],
)
def test_what_is_no_task_is_refused_with_a_sentence(body: bytes, status: int, words: str) -> None:
    with serving(PATIENT, 1) as url:
        answer = httpx2.post(f"{url}/tasks", content=body)
        assert httpx2.get(f"{url}/tasks").json()["room"] == 1
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_without_a_token_no_page_in_a_browser_hands_out_work(headers: dict[str, str]) -> None:
    with serving(PATIENT, 1) as url:
        assert httpx2.post(f"{url}/tasks", content=task_to_json(TASK), headers=headers).status_code == 403


def test_help_tells_all_there_is() -> None:
    ended = hansard_worker("--help")
    assert ended.returncode == 0
    words = ("--listen", "HOST:PORT", "127.0.0.1:9000", "--processes", "-p", "HANSARD_WORKER_TOKEN")
    assert [word for word in words if word not in ended.stdout] == []


def test_beyond_this_machine_a_token_is_wanted() -> None:
    told = refused(hansard_worker("--listen", "0.0.0.0:0", HANSARD_WORKER_TOKEN=" "))
    assert "openssl rand -hex 32" in told


@pytest.mark.parametrize("listen", ["[::]:0", "192.0.2.1:9000", "gpu-box:9000", "9000", "localhost:http", "::1:70000"])
def test_an_address_that_cannot_be_is_refused(listen: str) -> None:
    with pytest.raises(Invalid, match=r"HANSARD_WORKER_TOKEN|HOST:PORT"):
        serve(Settings(worker_token=None), listen, 1, lambda *_: None)


def test_a_port_that_is_taken_is_refused(here: Worker) -> None:
    assert "cannot be used" in refused(hansard_worker("--listen", here.url.removeprefix("http://")))


def test_an_engine_that_cannot_be_had_is_told_at_the_start() -> None:
    told = refused(hansard_worker("--listen", "127.0.0.1:0", HANSARD_ENGINE="nonsense"))
    assert "There is no speech engine" in told


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"worker_url": "http://gpu-box:9000"}, "Set HANSARD_CALLBACK_URL"),
        ({"worker_url": "http://gpu-box:9000", "auth": "required"}, "Set HANSARD_CALLBACK_URL"),
        ({"callback_url": "http://192.0.2.1:8000"}, "HANSARD_AUTH=required"),
        ({"callback_url": "192.0.2.1:8000", "auth": "required"}, "HANSARD_CALLBACK_URL has to be like"),
        ({"worker_url": "gpu-box:9000", "callback_url": "http://127.0.0.1:8000"}, "HANSARD_WORKER_URL"),
    ],
)
def test_a_server_whose_worker_could_not_reach_it_does_not_start(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    wanted = Settings(data_dir=tmp_path / "data", **settings)
    with pytest.raises(Invalid, match=words), local.core(wanted, "http://127.0.0.1:8000"):
        pass
    assert not (tmp_path / "data").exists()
