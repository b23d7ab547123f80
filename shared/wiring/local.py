"""One process on one machine: embedded Postgres, a folder for audio, worker processes, no account anywhere."""

import fcntl
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.adapters.folder_store import FolderStore
from shared.adapters.local_kicks import LocalKicks
from shared.adapters.local_live import LocalLiveUpdates
from shared.adapters.process_launcher import ProcessLauncher
from shared.adapters.process_probe import ProcessProbe
from shared.adapters.task_tokens import JwtTaskTokens
from shared.db import installation
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.domain.errors import Conflict
from shared.services import jobs, recordings
from shared.services.core import Core
from shared.wiring.settings import Settings

logger = logging.getLogger("hansard")

# -P: a folder named `api` where the server is started must not stand in for ours.
WORKER_COMMAND = (sys.executable, "-P", "-m", "api.worker")
PROBE_COMMAND = (sys.executable, "-P", "-m", "api.probe")


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """The database of `settings`, at the newest schema. Raises Unavailable."""
    with ExitStack() as stack:
        postgres = stack.enter_context(_postgres(settings))
        yield stack.enter_context(_open(postgres.start() if postgres else settings.database_url))


@contextmanager
def _postgres(settings: Settings) -> Iterator[EmbeddedPostgres | None]:
    """None where the settings name a database."""
    if settings.database_url is not None:
        yield None
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    postgres = EmbeddedPostgres(settings.data_dir / "postgres")
    try:
        yield postgres
    finally:
        postgres.stop()


@contextmanager
def _open(url: str | None) -> Iterator[Database]:
    assert url is not None
    db = Database(url, pool_size=10)
    try:
        migrate(db)
        yield db
    finally:
        db.close()


@contextmanager
def core(settings: Settings, base_url: str) -> Iterator[Core]:
    """Everything running: workers, sweep, database. `base_url` is where this process will answer, without `/`."""
    with ExitStack() as stack:
        stack.enter_context(_only_server(settings.data_dir))
        postgres = stack.enter_context(_postgres(settings))
        db = stack.enter_context(_open(postgres.start() if postgres else settings.database_url))
        secret = _secret(settings.data_dir / "secret")
        objects = FolderStore(settings.data_dir / "objects", f"{base_url}/objects/", secret.encode())
        launcher = ProcessLauncher(WORKER_COMMAND, settings.workers)
        kicks = LocalKicks(postgres.revive if postgres else None)
        built = Core(
            db=db,
            objects=objects,
            launcher=launcher,
            kicks=kicks,
            live=LocalLiveUpdates(),
            task_tokens=JwtTaskTokens(secret),
            callback_url=f"{base_url}/jobs/",
            probe=ProcessProbe(PROBE_COMMAND),
            limits=settings.limits(),
        )
        # Nobody uploads yet and no worker has survived the last server: what is unfinished is a leftover.
        objects.remove_unfinished()
        if _is_store_of(settings.data_dir / "objects" / "database", db):
            recordings.remove_orphans(built)
        jobs.recover(built)
        launcher.start(lambda job_id, attempt, reason: jobs.attempt_ended(built, job_id, attempt, reason))
        stack.callback(launcher.stop)
        stack.callback(kicks.stop)
        yield built


def start_work(built: Core) -> None:
    """Begins to launch jobs: once the server answers, since workers fetch audio from it and report to it."""
    assert isinstance(built.kicks, LocalKicks)
    built.kicks.start(lambda: jobs.sweep(built))


def _is_store_of(note: Path, db: Database) -> bool:
    """Whether the folder's audio belongs to this database: what one does not know another may well know."""
    with db.begin() as tx:
        name = installation.name(tx)
    if not note.exists():
        _write_whole(note, name)
    if note.read_text() == name:
        return True
    logger.warning("%s holds the audio of another database; what this one does not know stays.", note.parent)
    return False


@contextmanager
def _only_server(data_dir: Path) -> Iterator[None]:
    """Holds the data directory for this process. Raises Conflict when another server has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "server.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another Hansard server uses {data_dir}.") from error
        yield


def _secret(file: Path) -> str:
    """Made once, readable by this user alone."""
    if not file.exists():
        _write_whole(file, secrets.token_urlsafe(32))
    return file.read_text()


def _write_whole(file: Path, text: str) -> None:
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    unfinished.rename(file)
