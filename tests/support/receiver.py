"""A receiver of webhooks on the loopback: answers as it is told, and keeps what it was sent."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answer` is called for every request that has come in whole. `most` is how many were there at once."""

    answer: Callable[["Handler"], None] = field(default=lambda handler: handler.reply(200))
    received: list[Received] = field(default_factory=list)
    most: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.released = threading.Event()

    def __enter__(self) -> "Receiver":
        receiver = self

        class Bound(Handler):
            to = receiver

        self._server = Server(("127.0.0.1", 0), Bound)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def hang(self, handler: "Handler") -> None:
        """An answer that does not come, until the receiver is closed."""
        self.released.wait(60)
        handler.close_connection = True

    def came(self, received: Received) -> None:
        with self._lock:
            self.received.append(received)
            self._now += 1
            self.most = max(self.most, self._now)

    def went(self) -> None:
        with self._lock:
            self._now -= 1


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who has gone is not answered."""


class Handler(BaseHTTPRequestHandler):
    to: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.to.came(Received(self.path, dict(self.headers), body))
        try:
            self.to.answer(self)
        finally:
            self.to.went()

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
