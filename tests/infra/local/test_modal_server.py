"""modal_app.py at work: on a stand-in for Modal, with the real client, real containers and real words."""

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
import pytest

from functions.gpu import pipeline
from infra.local.modal_server import TOKEN, ModalServer
from shared.adapters.memory_reports import MemoryReports
from shared.adapters.modal_launcher import ModalLauncher
from shared.domain.errors import Invalid
from shared.domain.tasks import TranscribeOptions, TranscribeTask, TranscriptPage
from shared.wire import page_to_json, to_plain
from shared.wiring.gpu import engines
from shared.wiring.settings import Settings
from tests.support.file_server import FileServer
from tests.support.media import silence, speech, wav
from tests.support.modal import modal_client, modal_stand_in, task
from tests.support.report_server import ReportServer
from tests.support.server import ROOT
from tests.support.waiting import until

SLICES = 4
SLICE_SECONDS = 5.0


@pytest.fixture(scope="module")
def modal() -> Iterator[ModalServer]:
    with modal_stand_in() as server:
        yield server


@pytest.fixture(scope="module")
def launcher(modal: ModalServer) -> Iterator[ModalLauncher]:
    made = ModalLauncher("hansard", None, *TOKEN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 20 seconds of the meeting."""
    return wav(tmp_path_factory.mktemp("audio") / "meeting.wav", speech(20.0))


@pytest.fixture(scope="module")
def here(recording: Path) -> MemoryReports:
    """The same recognition in processes of this machine."""
    reports = MemoryReports()
    chosen = engines(Settings(engine="pocketsphinx"), 2)
    options = TranscribeOptions(slice_seconds=SLICE_SECONDS)
    pipeline.run(TranscribeTask(7, 1, str(recording), "", "", options), reports, chosen)
    assert reports.completed is not None
    return reports


@pytest.fixture
def audio_url(recording: Path) -> Iterator[str]:
    with FileServer(recording.parent) as files:
        yield files.url + recording.name


@pytest.fixture
def server() -> Iterator[ReportServer]:
    with ReportServer(state=b'{"go_on": true, "attempt": 1}') as reports:
        yield reports


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the stand-in says."""
    caplog.set_level(logging.INFO, "hansard.modal")
    return caplog


def result(reference: str) -> Any:
    from modal import FunctionCall

    with modal_client() as client:
        return FunctionCall.from_id(reference, client).get(timeout=60)


def call(name: str, *arguments: object) -> Any:
    from modal import Function

    with modal_client() as client:
        return Function.from_name("hansard", name, client=client).remote(*arguments)


def of_kind(server: ReportServer, kind: str) -> list[Any]:
    return [report["body"] for report in server.bodies if report["body"]["kind"] == kind]  # type: ignore[index]


def at_work(modal: ModalServer, name: str) -> list[int]:
    """The processes of that function or class which work on something."""
    return [container.pid for container in modal.containers() if container.name == name and container.at_work]


def check_whole(server: ReportServer, here: MemoryReports) -> None:
    """All of it was reported once, and it is what comes out on one machine."""
    assert sorted(body["result"]["index"] for body in of_kind(server, "slice")) == list(range(SLICES))
    segments = [segment for body in of_kind(server, "segments") for segment in body["segments"]]
    assert segments == [to_plain(segment) for segment in here.segments]
    (completed,) = of_kind(server, "completed")
    assert here.completed is not None
    assert completed["summary"] == to_plain(here.completed.summary)
    assert of_kind(server, "failed") == []


def test_a_recording_is_worked_on_by_many_containers_and_comes_out_as_on_one_machine(
    modal: ModalServer, launcher: ModalLauncher, server: ReportServer, audio_url: str, here: MemoryReports
) -> None:
    reference = launcher.launch(task(server.url, audio_url, slice_seconds=SLICE_SECONDS))
    until(lambda: len(at_work(modal, "Transcriber")) == 2, told=modal.containers)
    assert len(at_work(modal, "process")) == 1
    assert result(reference) is None
    check_whole(server, here)
    assert of_kind(server, "started")[0]["model"] == "pocketsphinx en-us"
    assert {container.name for container in modal.containers()} == {
        "process",
        "Transcriber",
        "Diarizer",
        "Summarizer",
    }


def test_a_stored_transcript_is_summarized_without_any_speech_container(
    launcher: ModalLauncher, server: ReportServer, here: MemoryReports, log: pytest.LogCaptureFixture
) -> None:
    server.pages = {-1: page_to_json(TranscriptPage(tuple(here.segments), {0: "Ruth"}, "en"))}
    wanted = replace(task(server.url, "", summary_prompt="In verse."), kind="summarize", version=2)
    assert result(launcher.launch(wanted)) is None
    assert [body["body"]["kind"] for body in server.bodies] == ["summarizing", "completed"]  # type: ignore[index]
    (completed,) = of_kind(server, "completed")
    assert completed["summary"]["model"] == "extractive"
    assert completed["warnings"] == ["The summary leaves its prompt out: it is made of the transcript's own sentences."]
    assert "Transcriber" not in log.text
    assert "Summarizer.read is done" in log.text


def test_a_slice_whose_container_is_killed_is_done_by_another(
    modal: ModalServer,
    launcher: ModalLauncher,
    server: ReportServer,
    audio_url: str,
    here: MemoryReports,
    log: pytest.LogCaptureFixture,
) -> None:
    reference = launcher.launch(task(server.url, audio_url, slice_seconds=SLICE_SECONDS))
    until(lambda: at_work(modal, "Transcriber"))
    killed = at_work(modal, "Transcriber")[0]
    os.kill(killed, signal.SIGKILL)
    assert result(reference) is None
    assert killed not in [container.pid for container in modal.containers()]
    assert re.search(r"Transcriber.transcribe slice \d starts again in another container", log.text)
    check_whole(server, here)


def test_a_task_whose_container_is_killed_begins_anew_under_another_name(
    modal: ModalServer, launcher: ModalLauncher, server: ReportServer, audio_url: str
) -> None:
    reference = launcher.launch(task(server.url, audio_url, slice_seconds=SLICE_SECONDS))
    until(lambda: at_work(modal, "Transcriber"))
    os.kill(at_work(modal, "process")[0], signal.SIGKILL)
    assert result(reference) is None
    first, second = server.beginnings
    assert first["attempt"] == second["attempt"]
    assert first["worker"] != second["worker"]
    assert len(of_kind(server, "completed")) == 1


def test_a_cancelled_task_takes_its_slices_back(
    modal: ModalServer,
    launcher: ModalLauncher,
    server: ReportServer,
    audio_url: str,
    log: pytest.LogCaptureFixture,
) -> None:
    reference = launcher.launch(task(server.url, audio_url, slice_seconds=SLICE_SECONDS))
    until(lambda: at_work(modal, "Transcriber"))
    before = {container.pid for container in modal.containers()}
    launcher.cancel(reference)
    until(lambda: not any(container.at_work for container in modal.containers()), told=modal.containers)
    assert re.search(r"Transcriber.transcribe slice \d is cancelled", log.text)
    assert of_kind(server, "completed") == of_kind(server, "failed") == []
    assert {container.pid for container in modal.containers()} == before, "nobody is killed for it"


def test_slices_are_cut_for_the_gpus_that_the_planning_container_has_not(server: ReportServer, tmp_path: Path) -> None:
    model = ROOT / "tests" / "models" / "nano-whisper"
    wav(tmp_path / "long.wav", np.concatenate([speech(5.0), silence(200.0)]))
    with modal_stand_in(engine="faster-whisper", model=str(model)), FileServer(tmp_path) as files:
        launcher = ModalLauncher("hansard", None, *TOKEN)
        assert result(launcher.launch(task(server.url, f"{files.url}long.wav", diarize=False, summarize=False))) is None
        launcher.close()
    (started,) = of_kind(server, "started")
    assert started["model"] == "faster-whisper nano-whisper"
    assert started["seams"] == [0.0, 205.0], "a CPU would like slices of two minutes"
    assert of_kind(server, "slice")[0]["result"]["words"]


def test_deploying_again_leaves_alone_what_runs(modal: ModalServer, launcher: ModalLauncher) -> None:
    # It keeps trying to report that there is no such engine.
    with ReportServer(*[503] * 1000) as server:
        reference = launcher.launch(task(server.url, engine="none"))
        until(lambda: server.asked)
        modal.deploy()
        server.script.clear()
        assert result(reference) is None
        assert "There is no speech engine" in of_kind(server, "failed")[0]["reason"]


def test_an_error_comes_to_the_caller_as_it_is(modal: ModalServer) -> None:
    with pytest.raises(Invalid, match="This is not a task"):
        call("process", "nonsense")


def test_models_are_downloaded(modal: ModalServer) -> None:
    # pocketsphinx has its model with it; the rest is the way to the volume.
    assert call("download_models") is None


def test_what_fails_is_tried_again_as_often_as_the_app_says(log: pytest.LogCaptureFixture) -> None:
    with modal_stand_in(engine="none") as server:
        with pytest.raises(Invalid, match="There is no speech engine"):
            call("download_models")
        assert len(server.containers()) == 1
    assert log.text.count("download_models begins") == 3


def test_a_container_that_does_not_start_fails_the_call() -> None:
    from modal.exception import RemoteError

    with modal_stand_in() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("HANSARD_MODAL_MAX_GPUS", "many")
        with pytest.raises(RemoteError, match="modal_max_gpus"):
            call("process", "nonsense")
        until(lambda: server.containers() == [])


@contextmanager
def command() -> Iterator[tuple["subprocess.Popen[str]", psutil.Process]]:
    """`python -m infra.local.modal_server`, and a container of it that is at work."""
    line = [sys.executable, "-m", "infra.local.modal_server"]
    with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True) as stand_in:
        assert stand_in.stderr is not None
        try:
            logged = until_logged(stand_in.stderr, r"modal: answers at MODAL_SERVER_URL=(\S+)")
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("MODAL_SERVER_URL", logged)
                launcher = ModalLauncher("hansard", None, *TOKEN)
                reference = launcher.launch(task("http://127.0.0.1:9/jobs/7"))
                launcher.close()
            assert until_logged(stand_in.stderr, r"modal: process (\S+) spawned") == reference
            yield stand_in, psutil.Process(int(until_logged(stand_in.stderr, r"process begins in container (\d+)")))
        finally:
            stand_in.kill()


def until_logged(lines: IO[str], pattern: str) -> str:
    return next(found[1] for line in lines if (found := re.search(pattern, line)))


def test_the_command_serves_until_ctrl_c() -> None:
    with command() as (stand_in, container):
        stand_in.send_signal(signal.SIGINT)
        assert stand_in.wait(20) == 0
        assert not _runs(container)


def test_containers_end_with_a_stand_in_that_is_killed() -> None:
    with command() as (stand_in, container):
        stand_in.kill()
        until(lambda: not _runs(container))


def test_closing_ends_all_containers(server: ReportServer) -> None:
    with modal_stand_in() as modal:
        launcher = ModalLauncher("hansard", None, *TOKEN)
        launcher.launch(task(server.url))
        until(modal.containers)
        processes = [psutil.Process(container.pid) for container in modal.containers()]
        launcher.close()
    assert not any(_runs(process) for process in processes)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
