"""`make cloud-local`: the sample meeting through the real artifacts and the nearest to AWS and Modal that runs here."""

import os
import subprocess
import sys
from uuid import uuid4

import psutil
import pytest

from tests.support.server import ROOT
from tests.support.waiting import until


def descendants(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HANSARD_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(240)
def test_the_sample_goes_through_the_cloud_and_everything_is_stopped() -> None:
    mark = uuid4().hex
    done = subprocess.run(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env={**os.environ, "HANSARD_TEST_MARK": mark},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout
    assert done.returncode == 0, told + done.stderr
    hops = [
        "PUT of 930,888 bytes to the presigned address",
        "-> uploadsCompleted ObjectCreated:Put uploads/",
        '-> launchJobs {"kind": "launch"}',
        "process fc-",
        "POST /jobs/1/attempts (λ: jobReports)",
        "Transcriber.transcribe slice 0 is done",
        "SPEAKER_1: ",
        "completed: Transcription completed",
        "/status -> COMPLETED",
        "kill -9 of container",
        "process starts again in another container",
        "is COMPLETED, the same transcript, each segment once",
        "everything is stopped",
    ]
    places = [told.find(hop) for hop in hops]
    assert -1 not in places and places == sorted(places), told
    until(lambda: not descendants(mark), told=lambda: descendants(mark))
