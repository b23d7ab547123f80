"""Posts to the addresses that users have given for their webhooks, and to nothing in the network this runs in.

What a name stands for is asked once, every answer is checked, and the connection goes to one of those very answers: a
name that stands for something else a moment later leads nowhere else.
"""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shared.adapters.deadline_socket import Deadline, DeadlineSocket
from shared.domain.errors import Invalid, Unavailable
from shared.domain.public_addresses import Destination, destination, is_public
from shared.ports import Response

#: An address of a host as the resolver gives it: family, and what `socket.connect` takes.
Resolved = tuple[int, tuple[Any, ...]]
Resolver = Callable[[str, int], Sequence[Resolved]]

_BODY_BYTES = 64 * 1024
_HEADER_BYTES = 64 * 1024
_RESOLVE_SECONDS = 5.0
_ADDRESSES = 4


def system_resolver(host: str, port: int) -> list[Resolved]:
    """Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


class HttpWebhookSender:
    """`allowlist` is a regular expression over host names that the rules for addresses do not count for.

    `seconds` is how long an attempt may take in all. `context` is what TLS trusts, the system's authorities unless
    given. Raises Invalid for an allowlist that is no regular expression.
    """

    def __init__(
        self,
        allowlist: str | None = None,
        *,
        seconds: float = 10.0,
        resolve: Resolver = system_resolver,
        context: ssl.SSLContext | None = None,
    ) -> None:
        try:
            self._allowed = re.compile(allowlist) if allowlist else None
        except re.error as error:
            raise Invalid(f"HANSARD_WEBHOOK_ALLOWLIST is no regular expression: {error}.") from error
        self._seconds = seconds
        self._resolve = resolve
        self._context = context
        self._lock = threading.Lock()

    def check(self, url: str, *, allow_http: bool) -> None:
        """Raises Invalid for what may not be called, and for hosts that nobody knows."""
        wanted = self._wanted(url, allow_http)
        try:
            self._addresses(wanted, _RESOLVE_SECONDS)
        except OSError as error:
            raise Invalid(f"The host {wanted.host} is not known.") from error

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, allow_http: bool) -> Response:
        wanted, deadline = self._wanted(url, allow_http), Deadline(self._seconds)
        try:
            addresses = self._addresses(wanted, min(_RESOLVE_SECONDS, deadline.left()))
            with self._connected(wanted, addresses, deadline) as connected:
                return _post(wanted, DeadlineSocket(connected, deadline, _HEADER_BYTES + _BODY_BYTES), headers, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"No answer from {wanted.host}: {_reason(error, self._seconds)}.") from error

    def _wanted(self, url: str, allow_http: bool) -> Destination:
        wanted = destination(url)
        if wanted.scheme == "http" and not allow_http and not self._is_allowed(wanted.host):
            raise Invalid("The URL has to begin with https://, unless allow_http is true.")
        return wanted

    def _is_allowed(self, host: str) -> bool:
        return self._allowed is not None and self._allowed.search(host) is not None

    def _addresses(self, wanted: Destination, seconds: float) -> Sequence[Resolved]:
        """All of them checked. Raises Invalid, and OSError when there are none or the resolver takes too long."""
        found = _within(seconds, lambda: self._resolve(wanted.host, wanted.port))
        if not found:
            raise OSError("the name stands for no address")
        if not self._is_allowed(wanted.host) and not all(is_public(str(address[0])) for _, address in found):
            raise Invalid(f"The host {wanted.host} is not on the public internet, so it is not called.")
        return found

    def _connected(self, wanted: Destination, addresses: Sequence[Resolved], deadline: Deadline) -> socket.socket:
        """A connection to the first address that takes one; with https after the host has shown who it is."""
        connected = _connect(addresses[:_ADDRESSES], deadline)
        if wanted.scheme == "http":
            return connected
        try:
            connected.settimeout(deadline.left())
            return self._trusting().wrap_socket(connected, server_hostname=wanted.host)
        except BaseException:
            connected.close()
            raise

    def _trusting(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                # Reading the authorities takes a while.
                self._context = ssl.create_default_context()
            return self._context


def _within(seconds: float, work: Callable[[], Sequence[Resolved]]) -> Sequence[Resolved]:
    """What `work` returns. Raises TimeoutError when it takes longer: the system's resolver cannot be told to hurry."""
    done: list[Sequence[Resolved]] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            done.append(work())
        except (OSError, UnicodeError) as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if done:
        return done[0]
    raise OSError(str(failed[0])) if failed else TimeoutError("the name was not resolved in time")


def _connect(addresses: Sequence[Resolved], deadline: Deadline) -> socket.socket:
    failed: OSError | None = None
    for number, (family, address) in enumerate(addresses):
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            # The others are to have their share.
            connected.settimeout(deadline.left() / (len(addresses) - number))
            connected.connect(address)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connected.close()
            failed = error
        else:
            return connected
    raise failed or OSError("there is no address")


def _post(wanted: Destination, connected: DeadlineSocket, headers: Mapping[str, str], body: bytes) -> Response:
    connection = http.client.HTTPConnection(wanted.host, wanted.port)
    # It opens no connection of its own, so no proxy and no other address comes into play.
    connection.auto_open = 0
    connection.sock = connected
    try:
        connection.request("POST", wanted.target, body, {"Host": wanted.authority, "Connection": "close", **headers})
        answer = connection.getresponse()
        said = answer.read(_BODY_BYTES)
        return Response(answer.status, said.decode(errors="replace"), _retry_after(answer.getheader("Retry-After")))
    finally:
        connection.close()


def _retry_after(said: str | None) -> float | None:
    """Seconds, from a number or a date; None for what is neither, or past."""
    said = (said or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _reason(error: Exception, seconds: float) -> str:
    """A few words, without anything that the receiver wrote."""
    match error:
        case TimeoutError():
            return f"it took longer than {seconds:g} s"
        case ssl.SSLCertVerificationError():
            return f"its certificate cannot be trusted ({error.verify_message})"
        case ssl.SSLError():
            return "TLS failed"
        case http.client.HTTPException() | ValueError():
            return "what came is not HTTP"
        case OSError():
            return error.strerror or str(error)
    return "it failed"
