"""A client of the live WebSocket that keeps what it hears."""

import json
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.server import Server


@dataclass(frozen=True, slots=True)
class Watched:
    """A recording as the answer to its upload had it, all live messages, and how the connection ended."""

    uploaded: dict[str, Any]
    messages: list[dict[str, Any]]
    close_code: int | None

    @property
    def id(self) -> int:
        return self.uploaded["id"]

    @property
    def segments(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == "segment"]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == "status"]


def open_live(server: Server, uuid: str, query: str = "", **options: Any) -> ClientConnection:
    address = f"{server.url.replace('http', 'ws', 1)}/api/transcribe/live/{uuid}{query}"
    return connect(address, proxy=None, **options)


def hear(socket: ClientConnection, seconds: float = 60) -> list[dict[str, Any]]:
    """Everything until the server closes."""
    messages: list[dict[str, Any]] = []
    try:
        while True:
            messages.append(json.loads(socket.recv(timeout=seconds)))
    except ConnectionClosed:
        return messages


def watch(server: Server, uploaded: dict[str, Any], query: str = "", **options: Any) -> Watched:
    with open_live(server, uploaded["uuid"], query, **options) as socket:
        messages = hear(socket)
    return Watched(uploaded, messages, socket.close_code)
