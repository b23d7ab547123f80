"""Launches tasks on a machine that runs `hansard worker --listen`, over HTTP."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import PROTOCOL_VERSION, TranscribeTask
from shared.wire import task_to_json

if TYPE_CHECKING:
    from httpx2 import Client, Response, TransportError

logger = logging.getLogger("hansard.jobs")

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0
_COMPLAINT_CHARACTERS = 300


class HttpLauncher:
    """A JobLauncher. `url` is the worker's address, `token` the one it wants (None for a worker without)."""

    def __init__(self, url: str, token: str | None) -> None:
        """Raises Invalid for an address that is none."""
        self._url = f"{url.rstrip('/')}/tasks"
        self._token = (token or "").strip()
        self._who = f"The worker at {_host(url)}"
        self._trouble: str | None = None

    def close(self) -> None:
        """Lets go of the connection. What has been launched goes on."""
        self._client.close()

    def capacity(self) -> int:
        """How many more tasks the worker takes; 0 when it does not answer: then jobs wait."""
        try:
            room = self._room()
        except Unavailable as error:
            self._note(str(error))
            return 0
        self._note(None)
        return room

    def launch(self, task: TranscribeTask) -> str:
        """Raises Unavailable. Launching the same task again is fine: it is there once."""
        answer = self._request("POST", self._url, task_to_json(task))
        try:
            return str(answer.json()["reference"])
        except (ValueError, KeyError, TypeError):
            raise Unavailable(self._no_worker()) from None

    def cancel(self, reference: str) -> None:
        """A worker that does not answer need not be told: the answer to its next report tells it to stop."""
        try:
            self._request("DELETE", f"{self._url}/{quote(reference, safe='')}")
        except Unavailable as error:
            logger.warning("task %s could not be ended: %s", reference, error)

    def _room(self) -> int:
        answer = self._request("GET", self._url)
        try:
            found = answer.json()
            room, version = int(found["room"]), int(found["version"])
        except (ValueError, KeyError, TypeError):
            raise Unavailable(self._no_worker()) from None
        if version < PROTOCOL_VERSION:
            raise Unavailable(
                f"{self._who} speaks protocol {version}, this server {PROTOCOL_VERSION}: it needs a newer Hansard."
            )
        return room

    def _note(self, trouble: str | None) -> None:
        # The sweep asks every few seconds: only news are worth a line.
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            logger.info("%s takes tasks again.", self._who)
        else:
            logger.warning("jobs wait: %s", trouble)

    def _request(self, method: str, url: str, body: bytes | None = None) -> "Response":
        """Raises Unavailable. No cause is chained to it: a foreign error may quote the token."""
        import httpx2

        try:
            response = self._client.request(method, url, content=body)
        except httpx2.TimeoutException:
            raise Unavailable(f"{self._who} does not answer in time.") from None
        except httpx2.ConnectError as error:
            raise Unavailable(f"{self._who} cannot be reached: {error}.") from None
        except httpx2.TransportError as error:
            response = self._again(method, url, body, error)
        if response.is_success:
            return response
        if response.status_code == 401:
            raise Unavailable(
                f"{self._who} does not know this token: HANSARD_WORKER_TOKEN has to be the same for both."
            )
        raise Unavailable(f"{self._who} answered {response.status_code}: {_complaint(response)}")

    def _again(self, method: str, url: str, body: bytes | None, broken: "TransportError") -> "Response":
        """A connection that was kept may have been closed at the other end; every request may be repeated."""
        import httpx2

        try:
            return self._client.request(method, url, content=body)
        except httpx2.TransportError:
            raise Unavailable(f"{self._who} broke the connection off ({type(broken).__name__}).") from None

    @cached_property
    def _client(self) -> "Client":
        import httpx2

        headers = {b"Content-Type": b"application/json"}
        if self._token:
            headers[b"Authorization"] = b"Bearer " + self._token.encode()
        return httpx2.Client(headers=headers, timeout=httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS))

    def _no_worker(self) -> str:
        return f"{self._who} answers, but not as `hansard worker` does."


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid("The address of the worker has to be like http://gpu-box:9000 (HANSARD_WORKER_URL).")
    return parts.netloc.rpartition("@")[2]


def _complaint(response: "Response") -> str:
    try:
        text = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = response.text
    return " ".join(text.split())[:_COMPLAINT_CHARACTERS]
