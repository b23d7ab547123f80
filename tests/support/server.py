"""A real `hansard serve` in a process of its own, on a free port and a data directory of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import psutil

ROOT = Path(__file__).parents[2]
MEETING = ROOT / "samples" / "meeting.flac"
_ADDRESS = re.compile(rb"answers at (http://\S+)")


class Server:
    """`start` waits until the server answers; `kill` is kill -9 of the server alone; `stop` is Ctrl-C."""

    program = ("api", "serve")

    def __init__(
        self, data_dir: Path, port: int = 0, environment: Mapping[str, str] | None = None, **settings: str
    ) -> None:
        self.data_dir = data_dir
        self.url = ""
        self._port = port
        self._settings = {f"HANSARD_{name.upper()}": value for name, value in settings.items()} | dict(
            environment or {}
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data_dir.with_name(f"{data_dir.name}.log")

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Server":
        command = [sys.executable, "-m", *self.program, "--port", str(self._port), "--data", str(self.data_dir)]
        environment = {**os.environ, "COLUMNS": "200", "HANSARD_ENGINE": "pocketsphinx", **self._settings}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        answering = threading.Event()
        threading.Thread(target=self._read_log, args=(self._process, answering), daemon=True).start()
        if not answering.wait(30):
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.logged()}")
        # The same port after a restart: clients and workers come back to the same address.
        self._port = int(self.url.rsplit(":", 1)[1])
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

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(by)
        self._reap()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._reap()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(30)
            self._process = None

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return client.get("/health").is_success
        except httpx2.TransportError:
            return False

    def workers(self) -> list[psutil.Process]:
        """The worker processes of running jobs and their helpers, not Postgres."""
        try:
            children = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if "python" in child.name()]

    def client(self, **kwargs: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60, **kwargs)

    def upload(self, path: Path = MEETING, **fields: str) -> dict[str, Any]:
        with self.client() as client, path.open("rb") as file:
            response = client.post(
                "/api/v1/recordings/upload", files={"file": (path.name, file, "audio/flac")}, data=fields
            )
        assert response.status_code == 202, response.text
        return response.json()

    def wait_for(self, recording_id: int, *statuses: str, seconds: float = 120) -> dict[str, Any]:
        """Polls until the recording has one of `statuses` (COMPLETED or FAILED if none is given)."""
        wanted = statuses or ("COMPLETED", "FAILED")
        deadline = time.monotonic() + seconds
        with self.client() as client:
            while True:
                status = client.get(f"/api/v1/recordings/{recording_id}/status").json()
                if status["status"] in wanted:
                    return status
                assert time.monotonic() < deadline, f"{status}\n{self.logged()[-3000:]}"
                time.sleep(0.1)
