"""A stand-in for Modal on this machine: the real modal client deploys modal_app.py to it, and calls it.

`python -m infra.local.modal_server --port 9100` serves until Ctrl-C; whoever is to use it needs the environment it
prints. In tests, ModalServer is a context manager. The functions run as they are in modal_app.py, each in processes of
its own that run Modal's own container code. There are no GPUs, no time limits, no scaling down and no web functions.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from types import TracebackType

from aiohttp import web
from grpclib.protocol import H2Protocol
from grpclib.server import Server

from infra.local.modal_rpc import ModalRpc
from infra.local.modal_work import ROOT, log

TOKEN = ("local", "local")


@dataclass(frozen=True, slots=True)
class Running:
    """One container: the function or class it belongs to, its process, and what it works on just now."""

    name: str
    pid: int
    at_work: tuple[str, ...]


class ModalServer:
    """Serves on 127.0.0.1 in a thread of its own. `most` bounds the containers of each function."""

    def __init__(self, port: int = 0, most: int = 2) -> None:
        """Raises OSError when the port is taken."""
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = _url(self._socket)
        self._rpc = ModalRpc(self.url, TOKEN, most)
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), name="modal-server"
        )

    def __enter__(self) -> "ModalServer":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a modal client needs in its environment."""
        token = {"MODAL_TOKEN_ID": TOKEN[0], "MODAL_TOKEN_SECRET": TOKEN[1]}
        return {"MODAL_SERVER_URL": self.url, **token, "MODAL_DISABLE_API_PROXY": "1"}

    def deploy(self) -> None:
        """`modal deploy`, as for the real one. Raises CalledProcessError."""
        # Nobody's own settings for Modal play a part.
        outer = {name: value for name, value in os.environ.items() if not name.startswith("MODAL_")}
        environment = {**outer, **self.environment, "MODAL_CONFIG_PATH": os.devnull}
        command = [sys.executable, "-m", "modal", "deploy", "modal_app.py"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    def containers(self) -> list[Running]:
        return [
            Running(container.name, container.pid, tuple(item.label for item in container.at_work))
            for pool in list(self._rpc.pools.values())
            for container in list(pool.containers.values())
            if container.pid
        ]

    async def _serve(self) -> None:
        server = _Server(self._rpc)
        await server.start(sock=self._socket)
        runner = web.AppRunner(self._rpc.blobs())
        await runner.setup()
        store = socket.create_server(("127.0.0.1", 0))
        self._rpc.blobs_url = _url(store)
        await web.SockSite(runner, store).start()
        self._ready.set()
        await self._stop.wait()
        await self._rpc.close()
        server.close()
        await server.wait_closed()
        await runner.cleanup()


class _Server(Server):
    """grpclib's own leaves its connections open when it closes."""

    def __init__(self, rpc: ModalRpc) -> None:
        super().__init__([rpc])
        self._protocols: list[H2Protocol] = []

    def _protocol_factory(self) -> H2Protocol:
        self._protocols.append(super()._protocol_factory())
        return self._protocols[-1]

    def close(self) -> None:
        super().close()
        for protocol in self._protocols:
            protocol.processor.close()


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.local.modal_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    logging.basicConfig(format="modal: %(message)s")
    log.setLevel(logging.INFO)
    with ModalServer(port) as server, contextlib.suppress(KeyboardInterrupt):
        server.deploy()
        log.info("answers at %s", " ".join(f"{name}={value}" for name, value in server.environment.items()))
        threading.Event().wait()


if __name__ == "__main__":
    main()
