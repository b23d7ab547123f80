"""An emulator of API Gateway's @connections on the loopback: in a thread of a test, or in a process of its own.

AWS answers 200 and a 410 that has a name; serverless-offline answers 204 and a bare 410. Both shapes are here.
"""

import asyncio
import ssl
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

Shape = Literal["aws", "offline"]

_SENT = {"aws": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "offline": b"HTTP/1.1 204 No Content\r\n\r\n"}
_GONE = {
    "aws": b"HTTP/1.1 410 Gone\r\nContent-Type: application/json\r\nx-amzn-ErrorType: GoneException\r\n"
    b'Content-Length: 18\r\n\r\n{"message":"gone"}',
    "offline": b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nConnection: keep-alive\r\n\r\n",
}


def answer(status: int, body: bytes = b'{"message":"as the script says"}') -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@dataclass(frozen=True, slots=True)
class Request:
    """The path as it was sent; headers by their names in lower case; which socket it came over, counted from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    socket: int


class ConnectionsServer:
    """`open` are the connections there are; with `anybody`, all of them. `script` says what the next requests for a
    connection are answered, as it is: None is no answer at all, b"" closes the socket; after that all is well."""

    def __init__(self, *open: str, shape: Shape = "aws", tls: ssl.SSLContext | None = None) -> None:
        self.open = set(open)
        self.anybody = False
        self.script: dict[str, list[bytes | None]] = defaultdict(list)
        self.messages: dict[str, list[str]] = defaultdict(list)
        self.requests: list[Request] = []
        self.shape: Shape = shape
        #: Sockets taken so far, and those that are open.
        self.taken = 0
        self.peers: set[asyncio.Transport] = set()
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "ConnectionsServer":
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Peer(self), "127.0.0.1", 0, ssl=self._tls)
        )
        host, port = self._server.sockets[0].getsockname()
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}/prod"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def hang_up(self) -> None:
        """Closes all sockets, as a gateway does with idle ones; returns when it has happened."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)

    async def _hang_up(self) -> None:
        while self.peers:
            for transport in list(self.peers):
                # With TLS, closing waits for a client that may look again only at its next call.
                transport.close() if self._tls is None else transport.abort()
            await asyncio.sleep(0.01)

    def heard(self, request: Request) -> bytes | None:
        self.requests.append(request)
        connection = unquote(request.path.rpartition("/")[2])
        if self.script[connection]:
            return self.script[connection].pop(0)
        if not self.anybody and connection not in self.open:
            return _GONE[self.shape]
        if request.method == "DELETE":
            self.open.discard(connection)
            return _SENT["offline"]
        self.messages[connection].append(request.body.decode())
        return _SENT[self.shape]


class _Peer(asyncio.Protocol):
    def __init__(self, owner: ConnectionsServer) -> None:
        self._owner = owner
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.taken += 1
        self._number = self._owner.taken
        self._owner.peers.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.peers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := self._next()) is not None:
            said = self._owner.heard(request)
            if said:
                self._transport.write(said)
            elif said is not None:
                self._transport.close()

    def _next(self) -> Request | None:
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = {name.lower(): value for name, _, value in pairs}
        length = int(headers["content-length"])
        if len(rest) < length:
            return None
        self._received = rest[length:]
        method, path, _ = first.split(" ")
        return Request(method, path, headers, rest[:length], self._number)


def main() -> None:
    """Takes messages for connections of any name until the standard input ends; says its address first."""
    with ConnectionsServer() as server:
        server.anybody = True
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
