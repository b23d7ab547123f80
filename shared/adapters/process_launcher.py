"""Launches each task as a process of its own on this machine.

A worker reads its task from standard input, which then stays open: it closes when this process ends, however it ends,
and the worker ends with it. Each worker leads a process group, so that its helpers end with it, too.
"""

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence

from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeTask
from shared.wire import task_to_json

logger = logging.getLogger("hansard.jobs")

#: `(job_id, attempt, reason)` of a worker that is no more.
Ended = Callable[[int, int, str], None]


class ProcessLauncher:
    """At most `workers` tasks at once. One that begins alone may use `workers` processes, others what is left of
    them but one at the least: together fewer than twice `workers`."""

    def __init__(self, command: Sequence[str], workers: int) -> None:
        self._command = command
        self._workers = workers
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._granted: dict[str, int] = {}
        self._ended: Ended | None = None
        self._stopping = False

    def start(self, ended: Ended) -> None:
        self._ended = ended

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            running = list(self._running.values())
        for process in running:
            _kill_group(process)
        for process in running:
            process.wait()

    def capacity(self) -> int:
        with self._lock:
            return 0 if self._stopping else self._workers - len(self._running)

    def launch(self, task: TranscribeTask) -> str:
        reference = f"{task.job_id}.{task.attempt}"
        with self._lock:
            if self._stopping:
                raise Unavailable("The server is stopping.")
            processes = max(1, self._workers - sum(self._granted.values()))
            try:
                process = _start([*self._command, "--processes", str(processes)], task)
            except OSError as error:
                raise Unavailable(f"A worker could not be started: {error}") from error
            self._running[reference] = process
            self._granted[reference] = processes
        threading.Thread(target=self._wait, args=(task, reference, process), daemon=True).start()
        return reference

    def cancel(self, reference: str) -> None:
        with self._lock:
            process = self._running.get(reference)
        if process is not None:
            _kill_group(process)

    def _wait(self, task: TranscribeTask, reference: str, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        assert process.stdin is not None
        process.stdin.close()
        # The worker may have been killed without its helpers.
        _kill_group(process)
        with self._lock:
            del self._running[reference], self._granted[reference]
            stopping = self._stopping
        if stopping or self._ended is None:
            return
        try:
            self._ended(task.job_id, task.attempt, _reason(code))
        except Exception:  # a worker loop: the lease runs out and the sweep sees to it
            logger.exception("the end of worker %s could not be noted", reference)


def _start(command: Sequence[str], task: TranscribeTask) -> subprocess.Popen[bytes]:
    """Raises OSError, and then nothing of it is left."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    try:
        process.stdin.write(task_to_json(task) + b"\n")
        process.stdin.flush()
    except OSError:
        _kill_group(process)
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()
        raise
    return process


def _reason(code: int) -> str:
    if code < 0:
        return f"The worker was ended by signal {signal.Signals(-code).name}."
    return f"The worker ended with code {code} before the work was done."


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # An error means that nobody is left in the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
