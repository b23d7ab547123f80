"""Workers as processes: what they are told, how they end, and who hears of it."""

import queue
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shared.adapters.process_launcher import ProcessLauncher
from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeOptions, TranscribeTask
from shared.wire import task_from_json
from tests.support.waiting import until

Launched = Callable[..., ProcessLauncher]

#: Starts a helper, says both numbers, and works until it is ended. As `api.worker`, it ends when its input closes.
FAMILY = """
import os, subprocess, sys
task = sys.stdin.buffer.readline()
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {helper.pid}\\n")
sys.stdin.read()
"""


def task(attempt: int = 1, **options: str) -> TranscribeTask:
    return TranscribeTask(1, attempt, "http://here/a", "http://here/jobs/1", "token", TranscribeOptions(**options))


@pytest.fixture
def launcher() -> Iterator[Launched]:
    made: list[ProcessLauncher] = []

    def make(code: str, *arguments: object, workers: int = 2) -> ProcessLauncher:
        made.append(ProcessLauncher((sys.executable, "-c", code, *map(str, arguments)), workers))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def _family(file: Path) -> list[psutil.Process]:
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return [psutil.Process(int(number)) for number in file.read_text().split()]


def _gone(processes: list[psutil.Process]) -> bool:
    return all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in processes)


def test_a_worker_reads_its_task_and_how_many_processes_it_may_use(launcher: Launched, tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1] + sys.argv[-1], 'wb').write(sys.stdin.buffer.readline())"
    workers = launcher(code, tmp_path / "used-", workers=3)
    long = task(hotwords="x" * 200_000)
    workers.launch(long)
    until(lambda: workers.capacity() == 3)
    assert task_from_json((tmp_path / "used-3").read_bytes()) == long


def test_many_workers_together_use_fewer_than_twice_the_processes(launcher: Launched, tmp_path: Path) -> None:
    code = "import os, sys; open(sys.argv[1] + str(os.getpid()), 'w').write(sys.argv[-1]); sys.stdin.read()"
    workers = launcher(code, tmp_path / "used-", workers=8)
    first = workers.launch(task())
    for attempt in range(2, 9):
        workers.launch(task(attempt))
    until(lambda: _used(tmp_path) == [1, 1, 1, 1, 1, 1, 1, 8])
    workers.cancel(first)
    until(lambda: workers.capacity() == 1)
    workers.launch(task(9))
    until(lambda: _used(tmp_path) == [1, 1, 1, 1, 1, 1, 1, 1, 8])


def _used(folder: Path) -> list[int]:
    return sorted(int(file.read_text() or 0) for file in folder.glob("used-*"))


def test_cancelling_ends_a_worker_with_its_helpers(launcher: Launched, tmp_path: Path) -> None:
    workers = launcher(FAMILY, tmp_path / "pids")
    reference = workers.launch(task())
    family = _family(tmp_path / "pids")
    workers.cancel(reference)
    until(lambda: _gone(family))


def test_a_worker_that_stands_still_can_be_ended(launcher: Launched, tmp_path: Path) -> None:
    workers = launcher(FAMILY, tmp_path / "pids")
    reference = workers.launch(task())
    family = _family(tmp_path / "pids")
    family[0].suspend()
    workers.cancel(reference)
    until(lambda: _gone(family))


def test_the_helpers_of_a_killed_worker_end_with_it(launcher: Launched, tmp_path: Path) -> None:
    workers = launcher(FAMILY, tmp_path / "pids")
    workers.launch(task())
    family = _family(tmp_path / "pids")
    family[0].kill()
    until(lambda: _gone(family))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "The worker was ended by signal SIGKILL."),
        ("raise SystemExit(3)", "The worker ended with code 3 before the work was done."),
        ("pass", "The worker ended with code 0 before the work was done."),
    ],
)
def test_the_end_of_a_worker_is_told_with_its_reason(launcher: Launched, code: str, reason: str) -> None:
    workers = launcher(f"import sys; sys.stdin.buffer.readline(); {code}")
    ended: queue.Queue[tuple[int, int, str]] = queue.Queue()
    workers.start(lambda *what: ended.put(what))
    workers.launch(task(attempt=4))
    assert ended.get(timeout=20) == (1, 4, reason)
    assert workers.capacity() == 2, "there is room again when it is told"


def test_stopping_ends_all_and_takes_no_more(launcher: Launched, tmp_path: Path) -> None:
    workers = launcher(FAMILY, tmp_path / "pids")
    told: list[object] = []
    workers.start(lambda *what: told.append(what))
    workers.launch(task())
    family = _family(tmp_path / "pids")
    workers.stop()
    until(lambda: _gone(family))
    assert workers.capacity() == 0
    with pytest.raises(Unavailable):
        workers.launch(task(attempt=2))
    assert told == [], "a server that stops has stopped its workers itself"


def test_a_program_that_is_not_there_is_unavailable_and_takes_no_place() -> None:
    workers = ProcessLauncher(("/no/such/program",), 1)
    with pytest.raises(Unavailable, match="could not be started"):
        workers.launch(task())
    assert workers.capacity() == 1


def test_a_worker_that_ends_before_it_has_its_task_takes_no_place(launcher: Launched) -> None:
    workers = launcher("import os; os.close(0)", workers=1)
    with pytest.raises(Unavailable):
        workers.launch(task(hotwords="x" * 2_000_000))
    assert workers.capacity() == 1


def test_a_worker_ends_when_its_server_is_killed(tmp_path: Path) -> None:
    code = f"""
import subprocess, sys, time
from shared.adapters.process_launcher import ProcessLauncher
from shared.domain.tasks import TranscribeTask
launcher = ProcessLauncher((sys.executable, "-c", {FAMILY!r}, sys.argv[1]), 1)
launcher.launch(TranscribeTask(1, 1, "", "", ""))
time.sleep(600)
"""
    import subprocess

    from tests.support.server import ROOT

    server = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "pids")], cwd=ROOT)
    worker, helper = _family(tmp_path / "pids")
    server.kill()
    server.wait()
    until(lambda: _gone([worker]))
    helper.kill()
