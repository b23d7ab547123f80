"""What the use cases need from the world outside. Each Protocol has at least two adapters and one contract test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.domain.tasks import TranscribeTask
from shared.domain.uploads import Part


class ObjectWriter(Protocol):
    """A new object on its way in. Nothing is visible before `commit`; `abort` (or a crash) leaves nothing behind."""

    def write(self, data: bytes) -> None:
        """Raises TooLarge when the store is full."""
        ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...


class ObjectStore(Protocol):
    """Large immutable things by key (`audio/<uuid>`)."""

    def create(self, key: str) -> ObjectWriter: ...

    def size(self, key: str) -> int | None:
        """Bytes, or None if there is no such object."""
        ...

    def delete(self, key: str) -> None:
        """Deleting what is not there is fine."""
        ...

    def keys(self) -> Sequence[str]: ...

    def path(self, key: str) -> Path | None:
        """Where the object can be read as a plain file, if it can."""
        ...

    def download_url(self, key: str, *, seconds: int, content_type: str = "", disposition: str = "") -> str:
        """A GET address that answers Range requests and stops working after `seconds`.

        What is given of `content_type` and `disposition` (Content-Disposition) stands in the answer.
        """
        ...

    def upload_url(self, key: str, *, content_type: str, size: int, seconds: int) -> str:
        """A PUT address that creates the object and stops working after `seconds`.

        The client has to send exactly `size` bytes, with exactly this Content-Type.
        """
        ...

    def begin_parts(self, key: str, *, content_type: str) -> str:
        """Opens an upload in parts and returns its reference. Nothing is visible before `finish_parts`."""
        ...

    def part_url(self, key: str, reference: str, number: int, *, size: int, seconds: int) -> str:
        """A PUT address for part `number` (1, 2, …) of exactly `size` bytes; a part may be sent again."""
        ...

    def parts(self, key: str, reference: str) -> Sequence[Part]:
        """The parts that are there, in order. Raises NotFound when the upload is finished, aborted or was never."""
        ...

    def finish_parts(self, key: str, reference: str) -> None:
        """Makes one object of the parts that are there. Raises NotFound as `parts` does, Invalid if there are none."""
        ...

    def abort_parts(self, key: str, reference: str) -> None:
        """Drops the upload with its parts; unknown references are fine."""
        ...


class JobLauncher(Protocol):
    """Starts work somewhere else and returns at once; the work answers with reports."""

    def capacity(self) -> int:
        """How many more tasks may be launched now."""
        ...

    def launch(self, task: TranscribeTask) -> str:
        """Returns a reference for `cancel`. Raises Unavailable."""
        ...

    def cancel(self, reference: str) -> None:
        """Ends the work if it still goes on; unknown references are fine."""
        ...


class Kicks(Protocol):
    """Says "look for queued jobs now". A lost kick costs time, not work: the sweep finds the job."""

    def kick(self) -> None: ...


class LiveUpdates(Protocol):
    """Tells whoever watches a recording that its event log has grown."""

    def changed(self, *recording_ids: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the messages for one connection: the first `sent` of them arrived; `gone` when nobody is there."""

    sent: int
    gone: bool = False


class Connections(Protocol):
    """WebSocket connections that somebody else holds open for us, by their id."""

    def send(self, messages: Mapping[str, Sequence[str]]) -> Mapping[str, Delivery]:
        """Sends to each connection its messages, in order, all connections side by side.

        Raises nothing: what did not arrive is not counted as sent. A message is at most MESSAGE_BYTES of UTF-8.
        """
        ...

    def close(self, connection_ids: Sequence[str]) -> None:
        """Ends connections, side by side; those that are gone are fine. Raises nothing."""
        ...


class TaskTokens(Protocol):
    """Per-task credentials: valid for one job, for a limited time."""

    def issue(self, job_id: int, *, seconds: int) -> str: ...

    def verify(self, token: str, job_id: int) -> None:
        """Raises Unauthenticated."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token of an identity provider stands for: `subject` is unique per `issuer`."""

    issuer: str
    subject: str
    username: str | None = None
    email: str | None = None
    name: str | None = None


class IdentityTokens(Protocol):
    """Tokens that somebody else has issued (JWT of an identity provider)."""

    def verify(self, token: str) -> Identity:
        """Raises Unauthenticated, or Unavailable when the keys of the issuer cannot be had."""
        ...


class WebhookKicks(Protocol):
    """Says "these webhooks have something to send". A lost kick costs time only: the sweep finds the deliveries."""

    def kick(self, webhook_ids: Sequence[int]) -> None: ...


@dataclass(frozen=True, slots=True)
class Response:
    """What a receiver answered: the beginning of its body as text, and its Retry-After in seconds, if it said one."""

    status: int
    body: str
    retry_after: float | None = None


class WebhookSender(Protocol):
    """Posts to addresses that users have given, never into the network that Hansard itself runs in."""

    def check(self, url: str, *, allow_http: bool) -> None:
        """Raises Invalid, with a sentence for the user, for an address that must not be called."""
        ...

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, allow_http: bool) -> Response:
        """Posts once, to an address that has just been checked; redirects are answers like any other.

        Raises Invalid as `check` does, and Unavailable when there is no answer in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer of a language model, and how many tokens question and answer cost (0 where nobody says)."""

    text: str
    tokens: int = 0


class LanguageModel(Protocol):
    """A chat model behind any server."""

    name: str

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int, temperature: float, json: bool = False
    ) -> Completion:
        """Raises Unavailable."""
        ...
