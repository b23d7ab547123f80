"""A real `hansard worker` in a process of its own, and its HTTP side alone within the test."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psutil
import uvicorn

from api.worker_server import Tasks, create_app
from shared.adapters.process_launcher import ProcessLauncher
from tests.support.server import ROOT
from tests.support.waiting import until

_ADDRESS = re.compile(rb"answers at (http://\S+),")


class Worker:
    """`start` waits until it answers, `kill` is kill -9 of the listening process alone, `stop` returns the exit code.

    After the first start it comes back on the same port.
    """

    def __init__(self, log: Path, token: str | None = None, processes: int = 2) -> None:
        self.token = token
        self.url = ""
        self._log = log
        self._listen = "127.0.0.1:0"
        self._processes = str(processes)
        self._mark = uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, token: str | None = None) -> "Worker":
        """`token` is for this run only."""
        environment = {
            **os.environ,
            "COLUMNS": "200",
            "HANSARD_ENGINE": "pocketsphinx",
            "HANSARD_TEST_MARK": self._mark,
        }
        if given := token or self.token:
            environment["HANSARD_WORKER_TOKEN"] = given
        command = [sys.executable, "-m", "api", "worker", "--listen", self._listen, "--processes", self._processes]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        answering = threading.Event()
        threading.Thread(target=self._read_log, args=(self._process, answering), daemon=True).start()
        assert answering.wait(30), self.logged()
        self._listen = self.url.removeprefix("http://")
        return self

    def _read_log(self, process: "subprocess.Popen[bytes]", answering: threading.Event) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._log.open("ab") as log:
                log.write(line)
            if found := _ADDRESS.search(line):
                self.url = found[1].decode()
                answering.set()
        process.stderr.close()

    def logged(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def runs(self) -> bool:
        return self._process is not None

    def stop(self, by: signal.Signals = signal.SIGINT) -> int:
        assert self._process is not None
        self._process.send_signal(by)
        return self._reap()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._reap()

    def _reap(self) -> int:
        assert self._process is not None
        code = self._process.wait(30)
        self._process = None
        return code

    def processes(self) -> list[psutil.Process]:
        """Every process that descends from this worker, also when it is gone."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get("HANSARD_TEST_MARK") == self._mark
            listening = self._process is not None and process.pid == self._process.pid
            return marked and not listening and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def state(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.get(f"{self.url}/tasks", headers=headers).raise_for_status().json()


@contextmanager
def serving(command: Sequence[str], workers: int, token: str | None = None) -> Iterator[str]:
    """The address of a worker server within this process, whose workers run `command`."""
    launcher = ProcessLauncher(command, workers)
    config = uvicorn.Config(create_app(Tasks(launcher), token), port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        launcher.stop()
        server.should_exit = True
        thread.join()
