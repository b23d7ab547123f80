"""The command line: what it prints where, how it ends, and what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from tests.support import media
from tests.support.server import MEETING, ROOT, Server

Ended = subprocess.CompletedProcess[str]
ENVIRONMENT = {**os.environ, "HANSARD_ENGINE": "pocketsphinx", "COLUMNS": "200", "NO_COLOR": "1"}


def hansard(*arguments: object, **settings: str) -> Ended:
    command = [sys.executable, "-m", "api", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env={**ENVIRONMENT, **settings}, capture_output=True, text=True, timeout=120, check=False
    )


def failed(ended: Ended, code: int = 1) -> str:
    """What a person reads; a traceback is nothing for people."""
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    return re.sub(r"\s+", " ", ended.stderr)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first sentence of the meeting."""
    return media.wav(tmp_path_factory.mktemp("cli") / "first words.wav", media.speech(2.5))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["serve", "transcribe", "token", "migrate", "HANSARD_"]),
        (["serve"], ["--host", "--port", "--data"]),
        (["transcribe"], ["FILE", "--format", "--language", "--speakers", "--output"]),
        (["token"], ["USER", "--admin", "--data"]),
        (["migrate"], ["--data"]),
    ],
)
def test_every_command_explains_itself(arguments: list[str], words: list[str]) -> None:
    ended = hansard(*arguments, "--help")
    assert ended.returncode == 0
    assert [word for word in words if word not in ended.stdout] == []


def test_a_transcript_goes_to_standard_output_alone(speech: Path) -> None:
    ended = hansard("transcribe", speech, "--format", "srt", "--language", "en")
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(r"(\d+\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\nSPEAKER_00: [^\n]+\n\n?)+", ended.stdout)
    assert "ello" in ended.stdout


def test_a_json_transcript_has_words_and_a_summary(speech: Path) -> None:
    ended = hansard("transcribe", speech, "-f", "json", "-s", "1-2")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["duration"] == 2.5
    assert document["language"] == "en"
    assert document["segments"][0]["words"]
    assert document["summary"]["model"] == "extractive"


def test_a_transcript_goes_into_a_file(speech: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    ended = hansard("transcribe", speech, "--output", target)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert target.read_text().startswith("[SPEAKER_00]: ")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_of_several_files_the_good_are_done_and_the_bad_are_told(speech: Path, tmp_path: Path) -> None:
    bad = tmp_path / "text.mp3"
    bad.write_text("Dear diary")
    out = tmp_path / "out"
    out.mkdir()
    ended = hansard("transcribe", bad, tmp_path / "missing.wav", speech, "--format", "vtt", "--output", out)
    told = failed(ended)
    assert "text.mp3: The file is not an audio" in told
    assert "missing.wav: There is no such file" in told
    assert [path.name for path in out.iterdir()] == ["first words.vtt"]
    assert (out / "first words.vtt").read_text().startswith("WEBVTT\n\n00:00:0")


@pytest.mark.parametrize("speakers", ["many", "3-", "5-2", "0", "-3"])
def test_a_number_of_speakers_that_is_none_is_refused(speech: Path, speakers: str) -> None:
    assert "speakers" in failed(hansard("transcribe", speech, f"--speakers={speakers}"))


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["transcribe"], 2, "FILE"),
        (["transcribe", "x.wav", "--format", "docx"], 2, "docx"),
        (["transcribe", "x.wav", "--language", "klingon"], 1, "klingon"),
        (["transcribe", "a.wav", "b.wav", "--output", "nowhere"], 1, "folder"),
        (["transcribe", "x/a.wav", "y/a.mp3", "--output", "."], 1, "same place"),
        (["serve", "--port", "70000"], 2, "--port"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], code: int, word: str) -> None:
    assert word in failed(hansard(*arguments), code)


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    assert "HANSARD_AUTH" in failed(hansard("serve", "--data", tmp_path / "data", HANSARD_AUTH="maybe"))
    assert "HANSARD_WORKERS" in failed(hansard("migrate", "--data", tmp_path / "data", HANSARD_WORKERS="0"))


def test_an_output_that_cannot_be_written_is_told(speech: Path, tmp_path: Path) -> None:
    assert "cannot be written" in failed(hansard("transcribe", speech, "--output", tmp_path / "no" / "where.txt"))


def test_ctrl_c_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api", "transcribe", str(MEETING), "--output", str(tmp_path / "out.txt")]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        family = _wait_for_family(process.pid)
        # As a terminal does it: to everybody at once.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert (out, b"Traceback" in err) == (b"", False), err
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert list(tmp_path.iterdir()) == []


def _wait_for_family(pid: int) -> list[psutil.Process]:
    """The speech processes, once they are at work."""
    deadline = time.monotonic() + 30
    while True:
        family = psutil.Process(pid).children(recursive=True)
        if sum(child.cpu_times().user for child in family if child.is_running()) > 1.0:
            return family
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_migrating_twice_does_no_harm(tmp_path: Path) -> None:
    for _ in range(2):
        ended = hansard("migrate", "--data", tmp_path / "data")
        assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
        assert "up to date" in ended.stderr
    assert [process for process in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(process.info)] == []


def test_a_second_server_on_the_same_data_is_refused(server: Server) -> None:
    told = failed(hansard("serve", "--port", "0", "--data", server.data_dir))
    assert "Another Hansard server uses" in told
    with server.client() as client:
        assert client.get("/health").status_code == 200


def test_a_port_that_is_taken_is_refused(server: Server, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    told = failed(hansard("serve", "--port", port, "--data", tmp_path / "data"))
    assert f"Port {port}" in told
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_told_to_stop_leaves_no_process(tmp_path: Path, short_wav: Path, stop: signal.Signals) -> None:
    server = Server(tmp_path / "data").start()
    server.wait_for(server.upload(short_wav)["id"], "PROCESSING", "COMPLETED")
    family = psutil.Process(server.pid).children(recursive=True)
    server.stop(stop)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert "Traceback" not in server.logged()


def test_the_command_tells_its_version() -> None:
    assert hansard("--version").stdout == f"{version('hansard')}\n"


def test_a_name_that_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    ended = hansard("transcribe", tmp_path / "x[red]y[z].wav")
    assert "x[red]y[z].wav: There is no such file." in failed(ended)


def test_a_whisper_model_in_a_folder_is_used_and_ends_quietly(tmp_path: Path) -> None:
    audio = media.wav(tmp_path / "twelve.wav", media.speech(12))
    settings = {
        "HANSARD_ENGINE": "faster-whisper",
        "HANSARD_MODEL": str(ROOT / "tests" / "models" / "nano-whisper"),
        "HANSARD_SLICE_SECONDS": "4",
    }
    ended = hansard("transcribe", audio, "-f", "json", **settings)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["model"].startswith("faster-whisper")
    assert "Warning" not in ended.stderr
