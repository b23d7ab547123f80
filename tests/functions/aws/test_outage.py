"""The database is away for twenty seconds in the middle of a job: nobody gives up, and nothing is lost or doubled."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from functions.aws import job_reports, launch_jobs, live_updates, sweep
from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.adapters.http_reports import HttpReports
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeTask
from tests.functions.aws.conftest import Deployment, deployed, failures, sqs
from tests.functions.aws.test_jobs import KICK, rows, token, upload
from tests.functions.aws.test_live import connect
from tests.support.ministack import LocalAws
from tests.support.waiting import until
from tests.support.world import ATTEMPT

AWAY_SECONDS = 20


@contextmanager
def api_gateway() -> Iterator[str]:
    """HTTP in front of job_reports; one request at a time, as one container takes them."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def _pass_on(self, body: bytes) -> None:
            event: dict[str, Any] = {
                "rawPath": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "requestContext": {"http": {"method": self.command}},
                "body": body.decode(),
            }
            with one_at_a_time:
                answer = job_reports.handler(event, None)
            sent = answer["body"].encode()
            self.send_response(answer["statusCode"])
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Outage:
    """The database goes away and comes back."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self.over = threading.Event()

    def begin(self) -> None:
        self._postgres.stop()
        threading.Timer(AWAY_SECONDS, self._end).start()

    def _end(self) -> None:
        self._postgres.start()
        self.over.set()


def work(deployment: Deployment, job_id: int, outage: Outage) -> None:
    """What a worker does; in the middle of it the database goes away."""
    with api_gateway() as url:
        task = TranscribeTask(job_id, 1, "", f"{url}/jobs/{job_id}", token(deployment, job_id))
        with HttpReports(task) as reports:
            reports.checkpoint()
            for number, body in enumerate(ATTEMPT):
                if number == 4:
                    outage.begin()
                reports.send(body)


def away(deployment: Deployment) -> None:
    """What comes in meanwhile is refused so that it comes again."""
    with pytest.raises(Unavailable):
        launch_jobs.handler(sqs(KICK), None)
    with pytest.raises(Unavailable):
        sweep.handler({}, None)
    assert failures(live_updates.handler(sqs({"recording_id": 1}), None)) == ["message-0"]


def test_a_job_outlives_a_database_that_is_away(ministack: LocalAws, tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "data")
    database = Database(postgres.start())
    migrate(database)
    try:
        with deployed(ministack, database) as deployment:
            database.close()
            upload(deployment)
            launch_jobs.handler(sqs(KICK), None)
            (job,) = rows(deployment, "SELECT id FROM jobs")
            (recording,) = rows(deployment, "SELECT * FROM recordings")
            connect(deployment, recording.uuid)
            outage = Outage(postgres)
            worker = threading.Thread(target=work, args=(deployment, job.id, outage))
            worker.start()
            until(lambda: not (tmp_path / "data" / "postmaster.pid").exists())
            away(deployment)
            worker.join(60)
            assert outage.over.is_set() and not worker.is_alive()
            live_updates.handler(sqs({"recording_id": recording.id}), None)
            check(deployment)
    finally:
        postgres.stop()


def check(deployment: Deployment) -> None:
    (recording,) = rows(deployment, "SELECT status, last_seq FROM recordings")
    assert recording.status == "completed"
    assert [row.attempt for row in rows(deployment, "SELECT attempt FROM jobs")] == [1]
    assert [row.position for row in rows(deployment, "SELECT position FROM segments ORDER BY 1")] == [0, 1, 2, 3]
    numbers = [row.seq for row in rows(deployment, "SELECT seq FROM events ORDER BY seq")]
    assert numbers == list(range(1, recording.last_seq + 1))
    assert deployment.connections.open == set(), "the watcher has heard the end, and is closed"
