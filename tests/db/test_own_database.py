"""`HANSARD_DATABASE_URL`: a database of one's own instead of the embedded one."""

import os
import subprocess
import sys
from pathlib import Path

from shared.db.database import Database
from tests.support.media import speech, wav
from tests.support.server import ROOT, Server


def _hansard(database: Database, *arguments: str) -> str:
    environment = {**os.environ, "HANSARD_DATABASE_URL": database.url}
    command = [sys.executable, "-m", "api", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_a_server_and_the_command_line_share_a_database_that_is_given(database: Database, tmp_path: Path) -> None:
    with Server(tmp_path / "data", database_url=database.url, auth="required") as server:
        token = _hansard(database, "token", "ann", "--data", str(tmp_path / "data")).strip()
        with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
            assert client.get("/api/v1/recordings").json()["recordings"] == []
    assert not (tmp_path / "data" / "postgres").exists()
    _hansard(database, "migrate")


def test_audio_survives_a_start_with_the_wrong_database(database: Database, tmp_path: Path) -> None:
    own = {"database_url": database.url, "workers": "1"}
    with Server(tmp_path / "data", **own) as server:
        uploaded = server.upload(wav(tmp_path / "a.wav", speech(1.0)))
    audio = [file for file in (tmp_path / "data" / "objects" / "files").rglob("*") if file.is_file()]
    assert len(audio) == 1
    with Server(tmp_path / "data") as forgetful, forgetful.client() as client:
        assert client.get("/api/v1/recordings").json()["recordings"] == []
        assert "holds the audio of another database" in forgetful.logged()
    assert audio[0].exists()
    with Server(tmp_path / "data", **own) as server, server.client() as client:
        assert client.get(f"/api/v1/recordings/{uploaded['id']}/audio").is_success
