"""The embedded Postgres after every kind of crash, beside others, and in awkward places."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.db.database import Database
from tests.support.server import ROOT
from tests.support.waiting import until

#: Starts a Postgres in the folder it is given.
_START = """
import os, sys
from pathlib import Path
from shared.adapters.embedded_postgres import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
print(postgres.start(), flush=True)
"""
KILLED = _START + "os.kill(os.getpid(), 9)"
#: Goes on until its input closes.
PATIENT = _START + "sys.stdin.read(); postgres.stop()"
STOPPED = _START + "postgres.stop()"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for all: making one takes a second."""
    return tmp_path_factory.mktemp("cluster") / "postgres"


@pytest.fixture
def folder(cluster: Path) -> Iterator[Path]:
    yield cluster
    rest = _postmaster(cluster)
    if rest is not None:
        rest.terminate()
        until(lambda: _postmaster(cluster) is None)


def _postmaster(folder: Path) -> psutil.Process | None:
    return EmbeddedPostgres(folder)._postmaster()


def _answers(url: str) -> bool:
    database = Database(url)
    database.ping()
    database.close()
    return True


def _run(code: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


def test_it_starts_stops_and_starts_again_under_the_same_address(folder: Path) -> None:
    first = EmbeddedPostgres(folder)
    url = first.start()
    assert _answers(url)
    first.stop()
    assert _postmaster(folder) is None
    second = EmbeddedPostgres(folder)
    assert second.start() == url
    assert _answers(url)
    second.stop()


def test_a_second_process_joins_and_does_not_stop_it_under_the_first(folder: Path) -> None:
    first = EmbeddedPostgres(folder)
    url = first.start()
    running = _postmaster(folder)
    command = [sys.executable, "-c", PATIENT, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline().decode().strip() == url
        other.communicate()
    assert other.returncode == 0
    assert _postmaster(folder) == running
    assert _answers(url)
    first.stop()
    assert _postmaster(folder) is None


def test_the_handle_of_a_killed_process_does_not_keep_it_up(folder: Path) -> None:
    _run(KILLED, folder)
    assert _postmaster(folder) is not None
    after = EmbeddedPostgres(folder)
    assert _answers(after.start())
    after.stop()
    assert _postmaster(folder) is None


def test_processes_that_start_it_at_once_share_one(tmp_path: Path) -> None:
    place = tmp_path / "postgres"
    command = [sys.executable, "-c", PATIENT, str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    said = [process.stdout.readline() for process in both]
    assert said[0] == said[1] != b""
    assert _answers(said[0].decode().strip())
    for process in both:
        process.communicate()
    assert _postmaster(place) is None
    assert sorted(each.name for each in tmp_path.iterdir()) == ["postgres", "postgres.lock"]


def test_it_comes_back_after_kill_9(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    url = postgres.start()
    killed = _postmaster(folder)
    assert killed is not None
    killed.kill()
    until(lambda: _postmaster(folder) is None)
    until(lambda: _revived(postgres))
    assert _answers(url)
    postgres.stop()
    assert _postmaster(folder) is None


def _revived(postgres: EmbeddedPostgres) -> bool:
    from shared.domain.errors import Unavailable

    try:
        postgres.revive()
    except Unavailable:
        return False  # its last processes are still on their way out
    return True


def test_a_number_that_now_belongs_to_another_program_is_not_taken_for_it(folder: Path) -> None:
    _run(KILLED, folder)
    real = _postmaster(folder)
    assert real is not None
    note = (folder / "postmaster.pid").read_text().splitlines()
    real.kill()
    until(lambda: not real.is_running() or real.status() == psutil.STATUS_ZOMBIE)
    (folder / "postmaster.pid").write_text("\n".join([str(os.getpid()), *note[1:]]) + "\n")
    (folder / ".handle_pids.json").write_text(json.dumps([1, os.getppid(), 4_000_000]))
    os.utime(folder / ".handle_pids.json", (0, 0))
    after = EmbeddedPostgres(folder)
    assert _answers(after.start())
    after.stop()
    assert _postmaster(folder) is None


@pytest.mark.parametrize("text", ["", "12", "no number\n", '[1, "'])
def test_notes_that_were_cut_short_do_not_matter(folder: Path, text: str) -> None:
    _run(STOPPED, folder)
    until(lambda: _postmaster(folder) is None)
    (folder / "postmaster.pid").write_text(text)
    (folder / ".handle_pids.json").write_text(text)
    after = EmbeddedPostgres(folder)
    assert _answers(after.start())
    after.stop()


def test_a_crash_while_the_cluster_is_made_leaves_no_half_of_it(tmp_path: Path) -> None:
    making = subprocess.Popen([sys.executable, "-c", PATIENT, str(tmp_path / "postgres")], cwd=ROOT)
    until(lambda: list(tmp_path.glob("postgres.new-*/*")))
    making.kill()
    making.wait()
    assert not (tmp_path / "postgres").exists()
    after = EmbeddedPostgres(tmp_path / "postgres")
    assert _answers(after.start())
    after.stop()


def test_a_long_path_works_and_only_the_owner_may_connect(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 20) / ("longer" * 10) / "postgres"
    place.parent.mkdir(parents=True)
    postgres = EmbeddedPostgres(place)
    url = postgres.start()
    assert _answers(url)
    sockets = Path(url.rsplit("host=", 1)[1])
    assert len(str(place)) > 100 > len(str(sockets))
    assert stat.S_IMODE((sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700
    postgres.stop()


def test_the_folders_above_are_not_opened_for_others_to_list(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    neighbour = private / "objects"
    neighbour.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(private / "postgres")
    assert _answers(postgres.start())
    postgres.stop()
    assert stat.S_IMODE(neighbour.stat().st_mode) == 0o700
    assert stat.S_IMODE(private.stat().st_mode) & 0o066 == 0
