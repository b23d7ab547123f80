"""`hansard worker --listen`: takes tasks over HTTP and does each in a process of its own. No database, no data."""

import hmac
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool

from api import errors
from api.bodies import read_json
from api.middleware import LoopbackOnly
from functions.gpu.transcribe import choose
from shared.adapters.process_launcher import ProcessLauncher
from shared.domain.addresses import host_in_url, is_loopback
from shared.domain.errors import Conflict, Invalid, Unauthenticated, Unavailable
from shared.domain.tasks import PROTOCOL_VERSION, TranscribeTask
from shared.wire import task_from_json, task_to_json
from shared.wiring.settings import Settings
from shared.wiring.worker import WORKER_COMMAND

logger = logging.getLogger("hansard.worker")


@dataclass(frozen=True, slots=True)
class _Running:
    """`reference` is what callers know, `process` what the launcher knows."""

    reference: str
    process: str


class Tasks:
    """The tasks at work. Who brings one that is there already gets the same reference."""

    def __init__(self, launcher: ProcessLauncher) -> None:
        self._launcher = launcher
        self._lock = threading.Lock()
        self._running: dict[tuple[int, int], _Running] = {}
        launcher.start(self._ended)

    def state(self) -> dict[str, int]:
        with self._lock:
            return {"room": self._launcher.capacity(), "running": len(self._running), "version": PROTOCOL_VERSION}

    def launch(self, task: TranscribeTask) -> str:
        """Raises Unavailable when all places are taken, Conflict when another task has this one's number."""
        reference = _reference(task)
        name = (task.job_id, task.attempt)
        with self._lock:
            running = self._running.get(name)
            if running is not None and running.reference != reference:
                raise Conflict(f"A job {task.job_id} of another server is at work here; try again as another attempt.")
            if running is None:
                if self._launcher.capacity() <= 0:
                    raise Unavailable("All places of this worker are taken.")
                self._running[name] = _Running(reference, self._launcher.launch(task))
                logger.info("job %s, attempt %s: begins", *name)
        return reference

    def cancel(self, reference: str) -> None:
        """Ends the task if it is still at work."""
        with self._lock:
            processes = [each.process for each in self._running.values() if each.reference == reference]
        for process in processes:
            self._launcher.cancel(process)

    def _ended(self, job_id: int, attempt: int, _: str) -> None:
        # Whether the work was done is known to the server alone: if not, the lease of the attempt runs out.
        with self._lock:
            self._running.pop((job_id, attempt), None)
        logger.info("job %s, attempt %s: has ended", job_id, attempt)


def _reference(task: TranscribeTask) -> str:
    """Two servers count their jobs alike: the digest keeps them from ending each other's work."""
    return f"{task.job_id}.{task.attempt}.{sha256(task_to_json(task)).hexdigest()[:16]}"


def _check_token(request: Request) -> None:
    """Raises Unauthenticated."""
    expected: str | None = request.app.state.token
    if expected is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), expected.encode()):
        raise Unauthenticated("This needs the token of the worker: Authorization: Bearer <HANSARD_WORKER_TOKEN>.")


open_routes = APIRouter()
routes = APIRouter(prefix="/tasks", dependencies=[Depends(_check_token)])


@open_routes.get("/health")
def health() -> dict[str, str]:
    return {"status": "healthy"}


@routes.get("")
def state(request: Request) -> dict[str, int]:
    return request.app.state.tasks.state()


@routes.post("", status_code=202)
async def launch(request: Request) -> dict[str, str]:
    # Read as JSON first because that is bounded.
    task = task_from_json(json.dumps(await read_json(request)))
    # Nobody fetches audio for a summary.
    audio = () if task.kind == "summarize" else (task.audio_url,)
    if not all(map(_is_http, (*audio, task.callback_url))):
        raise Invalid("The addresses of a task have to begin with http:// or https://.")
    return {"reference": await run_in_threadpool(request.app.state.tasks.launch, task)}


def _is_http(url: str) -> bool:
    """Whoever has the token may hand out work, not read the files of this machine."""
    return url.startswith(("http://", "https://"))


@routes.delete("/{reference}", status_code=204)
def cancel(reference: str, request: Request) -> None:
    request.app.state.tasks.cancel(reference)


def create_app(tasks: Tasks, token: str | None, **options: Any) -> FastAPI:
    """Without a token only programs of this machine are let in, and no page in a browser."""
    app = FastAPI(title="Hansard worker", openapi_url=None, redirect_slashes=False, **options)
    app.state.tasks = tasks
    app.state.token = token
    errors.install(app, lambda status, message, details: {"detail": message})
    app.include_router(open_routes)
    app.include_router(routes)
    if token is None:
        app.add_middleware(LoopbackOnly)
    return app


def serve(settings: Settings, listen: str, processes: int, ready: Callable[[str, str], None]) -> None:
    """Works until it is told to stop; `ready` hears the address and the engine when it answers.

    `listen` is HOST:PORT. Raises Invalid and Unavailable for an address, a token or an engine that cannot be.
    """
    host, port = _parse(listen)
    token = (settings.worker_token or "").strip() or None
    if token is None and not is_loopback(f"//{host_in_url(host)}"):
        raise Invalid(
            f"Without a token everybody who reaches {host} could hand work to this machine. Make one with "
            "`openssl rand -hex 32`, and set HANSARD_WORKER_TOKEN to it here and where Hansard is served."
        )
    # uvicorn stops gracefully and then raises the signal again. To be told to stop is no failure.
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, lambda *_: sys.exit(0))
    with _listener(host, port) as listener:
        engine = choose(settings.engine, settings.model)
        address = f"http://{host_in_url(host)}:{listener.getsockname()[1]}"
        launcher = ProcessLauncher(WORKER_COMMAND, processes)
        try:
            _answer(listener, launcher, token, lambda: ready(address, f"{engine.engine}, model {engine.model}"))
        finally:
            launcher.stop()


def _answer(listener: socket.socket, launcher: ProcessLauncher, token: str | None, ready: Callable[[], None]) -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ready()
        yield

    app = create_app(Tasks(launcher), token, lifespan=lifespan)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


def _parse(listen: str) -> tuple[str, int]:
    """Raises Invalid."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Invalid("--listen takes HOST:PORT, such as 0.0.0.0:9000.")
    return host, int(port)


def _listener(host: str, port: int) -> socket.socket:
    """Raises Unavailable."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Unavailable(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
