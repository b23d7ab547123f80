"""Kicks, launches and reports, as SQS and API Gateway bring them."""

import base64
import json
from typing import Any

import pytest

from functions.aws import job_reports, launch_jobs, sweep
from shared.domain.jobs import JobStatus
from shared.domain.tasks import Beginning, Report, ReportBody
from shared.domain.transcripts import SliceResult
from shared.services import accounts, ingest, jobs, recordings
from shared.services.ingest import NewRecording, StoredUpload
from shared.wire import beginning_to_json, report_to_json, slice_from_json
from shared.wiring import cloud
from tests.functions.aws.conftest import Deployment, failures, sqs
from tests.support.waiting import until
from tests.support.world import ATTEMPT, STARTED, slice_done

KICK = {"kind": "launch"}


def upload(deployment: Deployment) -> int:
    """A recording with its job queued; its audio is in the bucket."""
    core = deployment.core
    uuid, key = ingest.new_upload_place(core)
    writer = core.objects.create(key)
    writer.write(b"sound")
    writer.commit()
    caller = accounts.authenticate(core, deployment.token)
    stored = StoredUpload(uuid, key, 5, None, "talk.wav", "audio/wav")
    return ingest.create(core, caller, stored, NewRecording())[0].id


def rows(deployment: Deployment, query: str) -> list[Any]:
    from sqlalchemy import text

    with deployment.core.db.begin() as tx:
        return list(tx.execute(text(query)))


def running(deployment: Deployment) -> int:
    return len(rows(deployment, "SELECT 1 FROM jobs WHERE status = 'running'"))


def token(deployment: Deployment, job_id: int) -> str:
    return deployment.core.task_tokens.issue(job_id, seconds=60)


def call(method: str, path: str, bearer: str = "", body: bytes = b"", *, base64_: bool = False) -> tuple[int, Any]:
    """Payload 2.0 of an HTTP API."""
    answer = job_reports.handler(
        {
            "version": "2.0",
            "rawPath": path,
            "headers": {"authorization": f"Bearer {bearer}"} if bearer else {},
            "requestContext": {"http": {"method": method, "path": path}},
            "body": base64.b64encode(body).decode() if base64_ else body.decode(),
            "isBase64Encoded": base64_,
        },
        None,
    )
    return answer["statusCode"], json.loads(answer["body"])


def report(job_id: int, bearer: str, body: ReportBody, seq: int = 0, attempt: int = 1) -> tuple[int, Any]:
    return call("POST", f"/jobs/{job_id}", bearer, report_to_json(Report(job_id, attempt, seq, body)))


@pytest.fixture
def launched(deployment: Deployment) -> int:
    """The id of a job that runs."""
    upload(deployment)
    launch_jobs.handler(sqs(KICK), None)
    return rows(deployment, "SELECT id FROM jobs WHERE status = 'running'")[0].id


def test_an_upload_kicks_and_a_kick_launches(deployment: Deployment) -> None:
    upload(deployment)
    assert deployment.kicks() == [KICK]
    assert failures(launch_jobs.handler(sqs(KICK), None)) == []
    (job,) = rows(deployment, "SELECT * FROM jobs")
    assert (job.status, job.attempt) == ("running", 1)
    assert job.launch_reference.startswith(f"{job.id}.1.")


def test_kicks_that_come_twice_late_or_all_at_once_launch_each_job_once(deployment: Deployment) -> None:
    launch_jobs.handler(sqs(KICK), None)
    for _ in range(3):
        upload(deployment)
    launch_jobs.handler(sqs(*[KICK] * 10), None)
    launch_jobs.handler(sqs(*[KICK] * 10), None)
    assert [row.attempt for row in rows(deployment, "SELECT attempt FROM jobs")] == [1, 1, 1]


def test_work_that_is_not_wanted_any_more_is_ended(deployment: Deployment, launched: int) -> None:
    caller = accounts.authenticate(deployment.core, deployment.token)
    (recording,) = rows(deployment, "SELECT recording_id FROM jobs")
    jobs.cancel(deployment.core, caller, recording.recording_id)
    messages = deployment.kicks(3)
    assert [message["kind"] for message in messages].count("cancel") == 1
    launch_jobs.handler(sqs(*messages), None)
    launcher = deployment.core.launcher
    assert launcher.capacity() == 0, "this function may not launch"
    until(lambda: cloud.launching_core().launcher.capacity() == 3)


def test_a_message_nobody_understands_comes_again_alone(deployment: Deployment) -> None:
    upload(deployment)
    answer = launch_jobs.handler(sqs(KICK, {"kind": "cancel"}, "what?"), None)
    assert failures(answer) == ["message-1", "message-2"]
    assert running(deployment) == 1


def test_a_worker_begins_reports_and_fetches_what_is_done(deployment: Deployment, launched: int) -> None:
    bearer = token(deployment, launched)
    beginning = beginning_to_json(Beginning(1, "worker"))
    status, state = call("POST", f"/jobs/{launched}/attempts", bearer, beginning)
    assert (status, state["go_on"], state["attempt"], state["done"]) == (200, True, 1, [])
    for seq, body in enumerate((STARTED, slice_done(0))):
        assert report(launched, bearer, body, seq) == (200, {"go_on": True})
    answer = job_reports.handler(
        {
            "rawPath": f"/jobs/{launched}/slices/0",
            "headers": {"authorization": f"Bearer {bearer}"},
            "requestContext": {"http": {"method": "GET"}},
        },
        None,
    )
    assert isinstance(slice_from_json(answer["body"]), SliceResult)
    assert call("POST", f"/jobs/{launched}/attempts", bearer, beginning, base64_=True)[1]["done"] == [0]
    assert {"recording_id": rows(deployment, "SELECT id FROM recordings")[0].id} in deployment.live(3)


def test_the_worker_of_a_summary_reads_the_transcript(deployment: Deployment, launched: int) -> None:
    for seq, body in enumerate(ATTEMPT):
        report(launched, token(deployment, launched), body, seq)
    caller = accounts.authenticate(deployment.core, deployment.token)
    recording = rows(deployment, "SELECT id FROM recordings")[0].id
    job = jobs.submit_summary(deployment.core, caller, recording, None)
    launch_jobs.handler(sqs(KICK), None)
    bearer = token(deployment, job.id)
    assert [len(read(job.id, bearer, after)["segments"]) for after in (None, "-1", "1", "99")] == [4, 4, 2, 0]
    for after in ("x", "-2", "1" * 30, ""):
        assert read(job.id, bearer, after, status=400)["detail"]
    assert read(job.id, "", None, status=401)["detail"]
    assert read(launched, token(deployment, launched), None, status=404)["detail"]


def read(job_id: int, bearer: str, after: str | None, *, status: int = 200) -> Any:
    answer = job_reports.handler(
        {
            "rawPath": f"/jobs/{job_id}/transcript",
            "headers": {"authorization": f"Bearer {bearer}"},
            "requestContext": {"http": {"method": "GET"}},
            **({} if after is None else {"queryStringParameters": {"after": after}}),
        },
        None,
    )
    assert answer["statusCode"] == status
    return json.loads(answer["body"])


def test_reports_twice_out_of_order_and_from_a_dead_attempt_change_nothing(
    deployment: Deployment, launched: int
) -> None:
    bearer = token(deployment, launched)
    call("POST", f"/jobs/{launched}/attempts", bearer, beginning_to_json(Beginning(1, "first")))
    assert report(launched, bearer, slice_done(0), seq=1)[0] == 409, "report 0 is still missing"
    for _ in range(2):
        assert report(launched, bearer, STARTED, seq=0) == (200, {"go_on": True})
    # Modal restarts the input.
    call("POST", f"/jobs/{launched}/attempts", bearer, beginning_to_json(Beginning(1, "second")))
    assert report(launched, bearer, slice_done(0, "dead"), seq=1, attempt=1) == (200, {"go_on": False})
    for seq, body in enumerate(ATTEMPT):
        for _ in range(2):
            go_on = report(launched, bearer, body, seq, attempt=2)[1]["go_on"]
            assert go_on or seq == len(ATTEMPT) - 1
    assert report(launched, bearer, slice_done(2), seq=len(ATTEMPT), attempt=2) == (200, {"go_on": False})
    (recording,) = rows(deployment, "SELECT * FROM recordings")
    assert recording.status == "completed"
    assert [row.position for row in rows(deployment, "SELECT position FROM segments ORDER BY 1")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("path", "bearer", "body", "status"),
    [
        ("/jobs/{id}", "", b"{}", 401),
        ("/jobs/{id}", "forged.token.here", b"{}", 401),
        ("/jobs/{other}", "own", b"{}", 401),
        ("/jobs/{id}", "own", b"not json", 400),
        ("/jobs/{id}/attempts", "own", b"[]", 400),
        ("/jobs/{id}/attempts/", "own", b"", 404),
        ("/jobs/x", "own", b"", 404),
        ("/jobs/99999999999999999999", "own", b"", 404),
    ],
)
def test_what_is_no_report_is_refused(
    deployment: Deployment, launched: int, path: str, bearer: str, body: bytes, status: int
) -> None:
    bearer = token(deployment, launched) if bearer == "own" else bearer
    assert call("POST", path.format(id=launched, other=launched + 1), bearer, body)[0] == status


def test_an_expired_token_is_refused(deployment: Deployment, launched: int) -> None:
    expired = deployment.core.task_tokens.issue(launched, seconds=-1)
    assert report(launched, expired, STARTED)[0] == 401


def test_a_report_for_another_job_is_refused(deployment: Deployment, launched: int) -> None:
    body = report_to_json(Report(launched + 1, 1, 0, STARTED))
    assert call("POST", f"/jobs/{launched}", token(deployment, launched), body)[0] == 400


def test_a_report_for_a_deleted_recording_ends_the_worker(deployment: Deployment, launched: int) -> None:
    bearer = token(deployment, launched)
    caller = accounts.authenticate(deployment.core, deployment.token)
    recordings.delete(deployment.core, caller, rows(deployment, "SELECT id FROM recordings")[0].id)
    assert report(launched, bearer, STARTED) == (200, {"go_on": False})
    assert call("POST", f"/jobs/{launched}/attempts", bearer, beginning_to_json(Beginning(1, "x")))[0] == 404
    assert list(deployment.core.objects.keys()) == []


def test_the_sweep_finds_a_lost_kick_and_a_dead_worker(deployment: Deployment) -> None:
    upload(deployment)
    deployment.kicks()
    sweep.handler({}, None)
    launch_jobs.handler(sqs(*deployment.kicks()), None)
    assert running(deployment) == 1
    with deployment.core.db.begin() as tx:
        from sqlalchemy import text

        tx.execute(text("UPDATE jobs SET lease_until = now() - interval '1 second'"))
    sweep.handler({}, None)
    sweep.handler({}, None)
    launch_jobs.handler(sqs(*deployment.kicks(3)), None)
    (job,) = rows(deployment, "SELECT status, attempt FROM jobs")
    assert (job.status, job.attempt) == (JobStatus.RUNNING, 2)


def test_everything_waits_for_a_database_that_is_away(deployment: Deployment, launched: int) -> None:
    """While it is away a report is answered so that the worker repeats it, and a message comes again."""
    from shared.db.database import Database
    from shared.domain.errors import Unavailable

    bearer = token(deployment, launched)
    database = cloud.core().db
    here = database.engine
    database.engine = Database("postgresql://nobody@127.0.0.1:1/nothing").engine
    try:
        assert report(launched, bearer, STARTED)[0] == 503
        with pytest.raises(Unavailable):
            launch_jobs.handler(sqs(KICK), None)
        with pytest.raises(Unavailable):
            sweep.handler({}, None)
    finally:
        database.engine = here
    assert report(launched, bearer, STARTED) == (200, {"go_on": True})
    launch_jobs.handler(sqs(KICK), None)
    sweep.handler({}, None)
