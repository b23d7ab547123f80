"""A connection that is over at a certain moment, whatever the other side does, and that takes in only so much."""

import io
import socket
import time
from typing import Any


class Deadline:
    """A moment by the clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds. Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        return left


class DeadlineSocket:
    """As much of a socket as http.client asks for. Raises TimeoutError, and OSError after `most` bytes."""

    def __init__(self, connected: socket.socket, deadline: Deadline, most: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._most = most

    def sendall(self, data: Any) -> None:
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.left())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_Reader(self._socket, self._deadline, self._most))

    def close(self) -> None:
        """Nothing: http.client closes what it still reads from. Whoever has connected ends the connection."""


class _Reader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline, most: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # Each read has what is left of the whole: bytes that drip in one by one win no time.
        self._socket.settimeout(self._deadline.left())
        read = self._socket.recv_into(buffer)
        self._left -= read
        if self._left < 0:
            raise OSError("the answer is too long")
        return read
