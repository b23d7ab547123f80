"""One process on one machine: embedded Postgres, a folder for audio, worker processes, no account anywhere."""

import fcntl
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.adapters.folder_store import FolderStore
from shared.adapters.http_launcher import HttpLauncher
from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.local_kicks import LocalKicks
from shared.adapters.local_live import LocalLiveUpdates
from shared.adapters.local_webhooks import LocalWebhooks
from shared.adapters.process_launcher import ProcessLauncher
from shared.adapters.process_probe import ProcessProbe
from shared.adapters.task_tokens import JwtTaskTokens
from shared.db import installation
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.domain.addresses import is_loopback
from shared.domain.errors import Conflict, Invalid
from shared.services import attempts, deliveries, recordings
from shared.services.core import Core
from shared.services.sweep import sweep
from shared.wiring.identity import identity
from shared.wiring.language import web_model
from shared.wiring.settings import Settings
from shared.wiring.worker import WORKER_COMMAND

logger = logging.getLogger("hansard")

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
    callback_url, launcher, foreign = _callback_url(settings, base_url), _launcher(settings), identity(settings)
    with ExitStack() as stack:
        stack.enter_context(_only_server(settings.data_dir))
        postgres = stack.enter_context(_postgres(settings))
        db = stack.enter_context(_open(postgres.start() if postgres else settings.database_url))
        secret = _secret(settings.data_dir / "secret")
        public_url = (settings.public_url or base_url).rstrip("/")
        objects = FolderStore(
            settings.data_dir / "objects", f"{callback_url}/objects/", secret.encode(), f"{public_url}/objects/"
        )
        kicks = LocalKicks(postgres.revive if postgres else None)
        webhook_kicks = LocalWebhooks()
        built = Core(
            db=db,
            objects=objects,
            launcher=launcher,
            kicks=kicks,
            live=LocalLiveUpdates(),
            task_tokens=JwtTaskTokens(secret),
            webhook_kicks=webhook_kicks,
            webhook_sender=HttpWebhookSender(settings.webhook_allowlist),
            callback_url=f"{callback_url}/jobs/",
            probe=ProcessProbe(PROBE_COMMAND),
            language_model=web_model(settings),
            identity=foreign,
            limits=settings.limits(),
            policy=settings.policy(),
        )
        # Nobody uploads yet: what is unfinished is a leftover.
        objects.remove_unfinished()
        if is_store_of(settings.data_dir / "objects" / "database", db):
            recordings.remove_orphans(built)
        stack.callback(_start(launcher, built))
        stack.callback(webhook_kicks.stop)
        stack.callback(kicks.stop)
        yield built


def _callback_url(settings: Settings, base_url: str) -> str:
    """Where workers reach this server, without `/`.

    Raises Invalid for what cannot work: a worker that is turned away tells nobody, and its job would wait for ever.
    """
    url = (settings.callback_url or base_url).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise Invalid("HANSARD_CALLBACK_URL has to be like http://192.0.2.1:8000.")
    if settings.auth == "none" and not is_loopback(url):
        raise Invalid(
            f"Without accounts this server answers to its own machine only, so no worker reaches it at {url} "
            "(HANSARD_CALLBACK_URL). Set HANSARD_AUTH=required, or let the worker come through a tunnel."
        )
    elsewhere = settings.worker_url and not is_loopback(settings.worker_url)
    if elsewhere and not settings.callback_url and is_loopback(url):
        raise Invalid("Set HANSARD_CALLBACK_URL to the address at which the worker reaches this server.")
    return url


def _launcher(settings: Settings) -> ProcessLauncher | HttpLauncher:
    if settings.worker_url:
        return HttpLauncher(settings.worker_url, settings.worker_token)
    return ProcessLauncher(WORKER_COMMAND, settings.workers)


def _start(launcher: ProcessLauncher | HttpLauncher, built: Core) -> Callable[[], None]:
    """Takes up what the last server left, and returns what ends the launcher."""
    if isinstance(launcher, HttpLauncher):
        # Workers on another machine outlive a server and repeat their reports until one is back: their jobs go on.
        # Of those that did not, the leases run out.
        return launcher.close
    # No worker process has survived the last server.
    attempts.recover(built)
    launcher.start(lambda job_id, attempt, reason: attempts.attempt_ended(built, job_id, attempt, reason))
    return launcher.stop


def start_work(built: Core) -> None:
    """Begins to launch jobs: once the server answers, since workers fetch audio from it and report to it."""
    assert isinstance(built.kicks, LocalKicks)
    assert isinstance(built.webhook_kicks, LocalWebhooks)
    built.kicks.start(lambda: sweep(built))
    built.webhook_kicks.start(
        lambda room: deliveries.claim(built, limit=room), lambda attempt: deliveries.send(built, attempt)
    )


def is_store_of(note: Path, db: Database) -> bool:
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
