"""WebSocket connections that API Gateway holds open: messages go out through its @connections, many at once.

By hand over a few kept sockets: through boto3 each post costs 20 times the CPU.
"""

import asyncio
import contextlib
import hashlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from shared.adapters.kept_sockets import KeptSockets
from shared.adapters.sigv4 import Signer
from shared.domain.connections import MESSAGE_BYTES
from shared.domain.errors import Invalid
from shared.ports import Delivery

logger = logging.getLogger("hansard.live")

_SOCKETS = 32
_GONE = 410
#: Stands for a status where none came.
_NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class _Body:
    """A message as it is sent; the same one goes to many connections."""

    data: bytes
    sha256: str


class GatewayConnections:
    """`url` is where the API answers, with its stage: `https://….execute-api.REGION.amazonaws.com/prod`.

    `credentials` gives credentials as botocore has them, `region` is where the API is; both default to what botocore
    finds. One post may take `post_seconds`, all of a `send` together `send_seconds`. Sockets are kept between calls;
    `stop` closes them.
    """

    def __init__(
        self,
        url: str,
        credentials: Callable[[], Any] = lambda: _session().get_credentials(),
        region: str | None = None,
        *,
        post_seconds: float = 3.0,
        send_seconds: float = 10.0,
    ) -> None:
        server = urlsplit(url)
        self._host = server.netloc.rpartition("@")[2]
        self._path = f"{server.path.rstrip('/')}/@connections/"
        self._sockets = KeptSockets(server)
        self._find_credentials = credentials
        self._credentials: Any = None
        self._given_region = region
        self._post_seconds = post_seconds
        self._send_seconds = send_seconds
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._lock = threading.Lock()

    def send(self, messages: Mapping[str, Sequence[str]]) -> Mapping[str, Delivery]:
        """As the port says. Raises Invalid, before anything is sent, for a message over MESSAGE_BYTES."""
        bodies = {text: _body(text) for text in {text for texts in messages.values() for text in texts}}
        work = {each: [bodies[text] for text in texts] for each, texts in messages.items()}
        return self._request_all("POST", work, "told everything")

    def close(self, connection_ids: Sequence[str]) -> None:
        self._request_all("DELETE", {each: [_body("")] for each in connection_ids}, "closed")

    def stop(self) -> None:
        with self._lock:
            self._sockets.drop()
            self._runner.close()

    def _request_all(self, method: str, work: Mapping[str, Sequence[_Body]], wish: str) -> dict[str, Delivery]:
        """One request for each body, in order; what stopped before its end is logged as not having got its `wish`."""
        done = dict.fromkeys(work, Delivery(0))
        signer = self._signer() if any(work.values()) else None
        if signer is not None:
            with self._lock:
                refused = self._runner.run(self._side_by_side(signer, method, work, done))
            _log(done, work, refused, wish)
        return done

    async def _side_by_side(
        self, signer: Signer, method: str, work: Mapping[str, Sequence[_Body]], done: dict[str, Delivery]
    ) -> Counter[int]:
        """Fills `done`; returns how often each status came that stopped a connection."""
        refused: Counter[int] = Counter()
        queue = iter(work.items())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._send_seconds), asyncio.TaskGroup() as workers:
                for _ in range(min(_SOCKETS, len(work))):
                    workers.create_task(self._serve(signer, method, queue, done, refused))
        return refused

    async def _serve(
        self,
        signer: Signer,
        method: str,
        queue: Iterator[tuple[str, Sequence[_Body]]],
        done: dict[str, Delivery],
        refused: Counter[int],
    ) -> None:
        """Serves one connection after the other; several of these share the queue."""
        for connection, bodies in queue:
            for sent, body in enumerate(bodies):
                status = await self._ask(self._request(signer, method, connection, body))
                if status // 100 != 2:
                    # Emulators and SDKs have several names for a connection that is gone; the number is always this.
                    done[connection] = Delivery(sent, gone=status == _GONE)
                    refused[status] += status != _GONE
                    break
                done[connection] = Delivery(sent + 1)

    async def _ask(self, request: bytes) -> int:
        try:
            async with asyncio.timeout(self._post_seconds):
                return await self._sockets.ask(request)
        except OSError:  # a timeout is one, too
            return _NO_ANSWER

    def _request(self, signer: Signer, method: str, connection_id: str, body: _Body) -> bytes:
        path = self._path + quote(connection_id, safe="")
        headers = signer.headers(method, path, body.sha256)
        return f"{method} {path} HTTP/1.1\r\n{headers}Content-Length: {len(body.data)}\r\n\r\n".encode() + body.data

    def _signer(self) -> Signer | None:
        """For requests that leave now. None, and a line in the log, when there is nothing to sign with."""
        from botocore.exceptions import BotoCoreError

        try:
            self._credentials = self._credentials or self._find_credentials()
            if self._credentials is not None:
                # Frozen anew each time: they renew themselves shortly before they run out.
                return Signer(self._credentials.get_frozen_credentials(), self._region, self._host, time.time())
            logger.error("there are no credentials for API Gateway")
        except BotoCoreError as error:
            logger.error("there are no credentials for API Gateway: %s", error)
        return None

    @cached_property
    def _region(self) -> str:
        return self._given_region or _session().get_config_variable("region") or "us-east-1"


def _session() -> Any:
    from botocore.session import get_session

    return get_session()


def _body(text: str) -> _Body:
    data = text.encode()
    if len(data) > MESSAGE_BYTES:
        raise Invalid(f"A message has {len(data)} bytes; API Gateway takes {MESSAGE_BYTES}.")
    return _Body(data, hashlib.sha256(data).hexdigest())


def _log(done: Mapping[str, Delivery], work: Mapping[str, Sequence[_Body]], refused: Counter[int], wish: str) -> None:
    missed = sum(found.sent < len(work[each]) and not found.gone for each, found in done.items())
    if missed:
        reasons = ", ".join(f"{_said(status)}: {count}" for status, count in refused.most_common() if count)
        reasons = reasons or "the time was up"
        logger.warning("%d of %d connections were not %s (%s)", missed, len(work), wish, reasons)


def _said(status: int) -> str:
    return f"HTTP {status}" if status != _NO_ANSWER else "no answer"
