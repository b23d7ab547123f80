"""`hansard import speakr` as it is typed: beside a server that runs, killed in the middle, and from another Hansard."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.server import ROOT, Server
from tests.support.speakr_server import TOKEN, SpeakrServer

ENVIRONMENT = {**os.environ, "HANSARD_ENGINE": "pocketsphinx", "COLUMNS": "200", "NO_COLOR": "1"}


def command(url: str, token: str, data: Path, *more: str) -> list[str]:
    where = ["--url", url, "--token", token, "--data", str(data)]
    return [sys.executable, "-m", "api", "import", "speakr", *where, *more]


def brought(url: str, token: str, data: Path, *more: str, said: str | None = None, **settings: str) -> tuple[int, str]:
    """The exit code, and what a person reads."""
    ended = subprocess.run(
        command(url, token, data, *more),
        cwd=ROOT,
        env={**ENVIRONMENT, **settings},
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    return ended.returncode, re.sub(r"\s+", " ", ended.stderr)


@pytest.fixture
def speakr() -> Iterator[SpeakrServer]:
    with SpeakrServer() as running:
        yield running


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that takes recordings in while it runs."""
    with Server(tmp_path_factory.mktemp("here") / "data", auth="required") as running:
        yield running
    assert "Traceback" not in running.logged()


def token(server: Server, user: str) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "api", "token", user, "--data", str(server.data_dir)],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return made.stdout.strip()


def as_user(server: Server, user: str) -> httpx2.Client:
    return server.client(headers={"Authorization": f"Bearer {token(server, user)}"})


def everything(client: httpx2.Client) -> list[dict[str, Any]]:
    """All recordings in full, with their transcripts and audio."""
    listed = client.get("/api/v1/recordings", params={"per_page": 100, "sort_by": "title"}).json()["recordings"]
    return [
        {
            **client.get(f"/api/v1/recordings/{each['id']}").json(),
            "segments": client.get(f"/api/v1/recordings/{each['id']}/transcript").json()["segments"],
            "audio": client.get(f"/api/v1/recordings/{each['id']}/audio").content,
            "summary_in_parts": client.get(f"/api/v1/recordings/{each['id']}/summary").json(),
        }
        for each in listed
    ]


def test_what_is_killed_in_the_middle_of_a_file_goes_on_there(speakr: SpeakrServer, here: Server) -> None:
    sounds = {number: bytes([number]) * 50_000 for number in (1, 2, 3)}
    for number, sound in sounds.items():
        speakr.add(number, sound)
    begun, never = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number == 2:
            begun.set()
            never.wait(60)

    speakr.half_way = hold
    arguments = command(speakr.url, TOKEN, here.data_dir, "--user", "killed")
    with subprocess.Popen(arguments, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as running:
        assert begun.wait(60)
        running.send_signal(signal.SIGKILL)
    never.set()
    speakr.half_way = lambda _: None
    with as_user(here, "killed") as client:
        assert [each["title"] for each in everything(client)] == ["Talk 1"]
        code, told = brought(speakr.url, TOKEN, here.data_dir, "--user", "killed")
        assert (code, "recordings │ 2 │ 1 │ 0" in told) == (0, True), told
        found = {each["title"]: each["audio"] for each in everything(client)}
    assert found == {f"Talk {number}": sound for number, sound in sounds.items()}
    assert speakr.calls.count("/api/v1/recordings/1/audio") == 1
    examined = [sys.executable, "-m", "api", "doctor", "--data", str(here.data_dir)]
    assert subprocess.run(examined, cwd=ROOT, env=ENVIRONMENT, timeout=60, check=False).returncode == 0


def test_what_is_left_out_is_said_and_ends_with_1(speakr: SpeakrServer, here: Server) -> None:
    speakr.add(1)
    speakr.add(2, title="Not [bold]yet[/bold]", status="QUEUED")
    code, told = brought(speakr.url, "-", here.data_dir, "--user", "left", said=f"{TOKEN}\n")
    assert code == 1
    assert "1/2 recording Talk 1: brought" in told
    assert "2/2 recording Not [bold]yet[/bold]: left out. It is still being worked on over there" in told
    assert TOKEN not in told


def test_a_dry_run_only_says_what_there_is(speakr: SpeakrServer, here: Server) -> None:
    speakr.add(1)
    code, told = brought(speakr.url, TOKEN, here.data_dir, "--user", "dry", "--dry-run")
    assert (code, "recording Talk 1: brought" in told, "Nothing was changed" in told) == (0, True, True)
    with as_user(here, "dry") as client:
        assert everything(client) == []
    assert [call for call in speakr.calls if "audio" in call] == []


def test_without_accounts_it_belongs_to_the_owner_of_the_machine(speakr: SpeakrServer, tmp_path: Path) -> None:
    speakr.add(1, b"sound")
    assert brought(speakr.url, TOKEN, tmp_path / "data")[0] == 0
    with Server(tmp_path / "data") as server, server.client() as client:
        # Also after a start, which clears away what nobody knows.
        (found,) = everything(client)
    assert (found["title"], found["status"], found["audio"]) == ("Talk 1", "COMPLETED", b"sound")
    assert [each["speaker"] for each in found["segments"]] == ["Ann", "SPEAKER_01"]


def test_another_hansard_gives_all_it_has(secured_server: Server, here: Server, short_wav: Path) -> None:
    with as_user(secured_server, "mover") as there, short_wav.open("rb") as file:
        made = there.post("/api/v1/recordings/upload", files={"file": (short_wav.name, file)}, data={"notes": "A note"})
        assert made.status_code == 202, made.text
        _wait(there, made.json()["id"])
        code, told = brought(secured_server.url, token(secured_server, "mover"), here.data_dir, "--user", "mover")
        assert code == 0, told
        (old,) = everything(there)
    with as_user(here, "mover") as client:
        (new,) = everything(client)
    own = ("id", "uuid", "processing_time_seconds")
    assert {name: value for name, value in new.items() if name not in own} == {
        name: value for name, value in old.items() if name not in own
    }
    assert new["audio"] == short_wav.read_bytes()
    assert new["segments"]


def _wait(client: httpx2.Client, number: int) -> None:
    for _ in range(1200):
        status = client.get(f"/api/v1/recordings/{number}/status").json()["status"]
        if status in ("COMPLETED", "FAILED"):
            assert status == "COMPLETED"
            return
        threading.Event().wait(0.1)
    raise AssertionError("the recording was not finished")


@pytest.mark.parametrize(
    ("url", "shown", "more", "word"),
    [
        ("speakr.example.com", "x", ["--user", "ann"], "https://speakr.example.com"),
        ("http://127.0.0.1:1", "", ["--user", "ann"], "token"),
        ("http://127.0.0.1:1", "x", [], "--user"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, url: str, shown: str, more: list[str], word: str) -> None:
    code, told = brought(url, shown, tmp_path / "data", *more, HANSARD_AUTH="required")
    assert (code, word in told) == (1, True), told
    assert not (tmp_path / "data").exists()


def test_a_bad_token_is_one_line(speakr: SpeakrServer, tmp_path: Path) -> None:
    code, told = brought(speakr.url, "wrong", tmp_path / "data")
    assert (code, "does not accept the token" in told) == (1, True)


def test_audio_does_not_go_into_the_folder_of_another_database(speakr: SpeakrServer, here: Server) -> None:
    note = here.data_dir / "objects" / "database"
    name = note.read_text()
    note.write_text("another")
    try:
        code, told = brought(speakr.url, TOKEN, here.data_dir, "--user", "ann")
    finally:
        note.write_text(name)
    assert (code, "another database" in told) == (1, True)
