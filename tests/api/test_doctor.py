"""`hansard doctor` beside a server that works, and on an installation that is broken."""

import os
import subprocess
import sys
from pathlib import Path

from shared.adapters.folder_store import FolderStore
from shared.db.database import Database
from shared.services import doctor
from tests.support import media
from tests.support.server import ROOT, Server
from tests.support.world import World


def doctor_command(data: Path, *arguments: str, database_url: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api", "doctor", "--data", str(data), *arguments]
    environment = dict(os.environ) | ({"HANSARD_DATABASE_URL": database_url} if database_url else {})
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_deleting_during_a_download_takes_nothing_from_who_downloads_and_leaves_nothing(
    server: Server, tmp_path: Path
) -> None:
    # More than the sockets between the two can hold.
    file = media.wav(tmp_path / "long.wav", media.silence(900))
    uploaded = server.upload(file)
    address = f"/api/v1/recordings/{uploaded['id']}"
    with server.client() as client, client.stream("GET", f"{address}/audio") as download:
        pieces = download.iter_bytes()
        received = len(next(pieces))
        with server.client() as other:
            assert other.delete(address).is_success
            assert other.get(f"{address}/audio").status_code == 404
        received += sum(map(len, pieces))
    assert received == file.stat().st_size
    examined = doctor_command(server.data_dir)
    assert examined.returncode == 0, examined.stdout + examined.stderr
    lines = examined.stdout.splitlines()
    assert [line.removeprefix("ok     no ") for line in lines] == list(doctor.CHECKS)


def test_an_orphan_is_named_and_fixed(database: Database, data_dir: Path) -> None:
    World(database).ann  # noqa: B018 - a user, so that the database is in use
    assert doctor_command(data_dir, database_url=database.url).returncode == 0
    writer = FolderStore(data_dir / "objects", "", b"").create("audio/nobody")
    writer.write(b"sound")
    writer.commit()
    found = doctor_command(data_dir, database_url=database.url)
    assert found.returncode == 1
    assert "WRONG  1 objects that no row knows: audio/nobody   (--fix)" in found.stdout.splitlines()
    assert doctor_command(data_dir, "--fix", database_url=database.url).returncode == 0
    assert doctor_command(data_dir, database_url=database.url).returncode == 0


def test_the_audio_of_another_database_is_left_alone(database: Database, data_dir: Path) -> None:
    (data_dir / "objects").mkdir(parents=True)
    (data_dir / "objects" / "database").write_text("another one")
    refused = doctor_command(data_dir, "--fix", database_url=database.url)
    assert refused.returncode == 1
    assert "another database" in refused.stderr
