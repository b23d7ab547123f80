"""HTTP/1.1 over sockets that are kept: what a request to API Gateway needs of it, and nothing more."""

import asyncio
import ssl
import time
from functools import cached_property
from urllib.parse import SplitResult

_HEAD_BYTES = 64 * 1024
_NO_BODY = (204, 304)


class KeptSockets:
    """Connections to one server, used by one event loop.

    After `kept_seconds` somebody between here and there may have dropped a socket without a word.
    """

    def __init__(self, server: SplitResult, kept_seconds: float = 20.0) -> None:
        self._host = server.hostname or ""
        self._port = server.port or (443 if server.scheme == "https" else 80)
        self._secure = server.scheme == "https"
        self._kept_seconds = kept_seconds
        self._idle: list[_Socket] = []

    async def ask(self, request: bytes) -> int:
        """Sends a request and returns the status of the answer. Raises OSError.

        A kept socket may have died while nobody looked: then the request goes out once more, on a new one.
        """
        kept = self._take()
        if kept is not None:
            try:
                return await self._exchange(kept, request)
            except ConnectionError:
                pass
        return await self._exchange(await self._open(), request)

    def drop(self) -> None:
        for socket in self._idle:
            socket.close()
        self._idle.clear()

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context() if self._secure else None

    def _take(self) -> "_Socket | None":
        # By the clock on the wall: the other one stands still while a Lambda is frozen.
        oldest = time.time() - self._kept_seconds
        while self._idle:
            socket = self._idle.pop()
            if socket.usable and socket.used_at > oldest:
                return socket
            socket.close()
        return None

    async def _open(self) -> "_Socket":
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Socket, self._host, self._port, ssl=self._tls))[1]

    async def _exchange(self, socket: "_Socket", request: bytes) -> int:
        try:
            status = await socket.exchange(request)
        except BaseException:
            # An answer may yet come, and must not be taken for that to the next request.
            socket.close()
            raise
        if socket.usable:
            self._idle.append(socket)
        else:
            socket.close()
        return status


class _Socket(asyncio.Protocol):
    """One connection: a request goes out, then its answer comes back."""

    def __init__(self) -> None:
        self.usable = False
        self.used_at = 0.0
        self._received = b""
        self._answer: asyncio.Future[int] | None = None

    def exchange(self, request: bytes) -> "asyncio.Future[int]":
        self._answer = asyncio.get_running_loop().create_future()
        if self.usable:
            self._transport.write(request)
        else:
            self._answer.set_exception(ConnectionResetError("The server has closed the connection."))
        return self._answer

    def close(self) -> None:
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.usable = True

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._answer is None or self._answer.done():
            self.close()
            return
        try:
            read = read_answer(self._received)
        except ValueError as error:
            self.connection_lost(error)
            return
        if read is not None:
            self._received = b""
            self.used_at = time.time()
            status, self.usable = read
            self._answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(exc or "The server has closed the connection.")))


def read_answer(received: bytes) -> tuple[int, bool] | None:
    """The status of an answer and whether another may follow on the same socket; None while there is more to come.

    Raises ValueError for what is not HTTP.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        if len(received) > _HEAD_BYTES:
            raise ValueError("The answer has no end.")
        return None
    version, status, headers = _head(received[:end])
    length = 0 if status in _NO_BODY else _length(headers)
    whole = end + 4 + length
    if length > _HEAD_BYTES or length < 0:
        # Nobody reads the body: a new socket is cheaper than its end.
        return status, False
    if len(received) < whole:
        return None
    return status, len(received) == whole and version == b"HTTP/1.1" and headers.get(b"connection") != b"close"


def _head(head: bytes) -> tuple[bytes, int, dict[bytes, bytes]]:
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("The answer is not HTTP.")
    pairs = (line.lower().partition(b":") for line in lines)
    return version, int(rest[:3]), {name: value.strip() for name, _, value in pairs}


def _length(headers: dict[bytes, bytes]) -> int:
    """Bytes of the body; -1 when only its end tells."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in headers else -1
