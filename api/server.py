"""`hansard serve`: the whole platform in this process."""

import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from shared.domain.addresses import host_in_url
from shared.domain.errors import Unavailable
from shared.wiring import local
from shared.wiring.settings import Settings


def serve(settings: Settings, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until it is told to stop; `ready` hears the address when it answers. Port 0 takes a free one.

    Raises Unavailable when the port is taken, Conflict when another server has the data directory.
    """
    # uvicorn stops gracefully and then raises the signal again; Postgres and the workers are to be ended after that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = _listen(host, port)
    address = f"http://{host_in_url(host)}:{listener.getsockname()[1]}"
    internal = f"http://{_reachable(host)}:{listener.getsockname()[1]}"
    with listener, local.core(settings, internal) as core:

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            local.start_work(core)
            ready(settings.public_url or address)
            yield

        config = uvicorn.Config(
            create_app(core, auth=settings.auth, proxy_hops=settings.proxy_hops, lifespan=lifespan),
            log_config=None,
            access_log=False,
            # What proxies say of the client is read by `proxy_hops` alone.
            proxy_headers=False,
            ws_max_size=2 * 1024 * 1024,
            # Watchers of a recording would keep a stopping server for as long as they like.
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on clients may connect; they are answered as soon as the server is up.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Unavailable(f"Port {port} on {host} cannot be used: {error.strerror}.") from error
    return listener


def _reachable(host: str) -> str:
    """Where this machine reaches a server that is bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host_in_url(host))  # noqa: S104 - not a bind
