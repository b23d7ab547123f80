"""Processes that cloud-local starts: their lines are read as they come, and each ends with all that it has started."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 10


class Process:
    """`hear` is told every line the process writes, from a thread of its own."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], hear: Callable[[str, str], None]
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        self._hear = hear
        self._heard = threading.Condition()
        # A group of its own: what it starts ends with it.
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    def wait_for(self, word: str, seconds: float) -> str:
        """The first line with `word` in it. Raises RuntimeError with the log when it does not come."""
        with self._heard:
            found = self._heard.wait_for(lambda: self._ended() or self._line(word), seconds)
            line = self._line(word)
        if not found or line is None:
            raise RuntimeError(f"{self.name} did not start:\n" + "\n".join(self.lines[-50:]))
        return line

    def stop(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join(_STOP_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _line(self, word: str) -> str | None:
        return next((line for line in self.lines if word in line), None)

    def _ended(self) -> bool:
        return not self._reader.is_alive()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            line = raw.rstrip()
            with self._heard:
                self.lines.append(line)
                self._heard.notify_all()
            self._hear(self.name, line)
        with self._heard:
            self._heard.notify_all()
