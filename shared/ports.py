"""What the use cases need from the world outside. Each Protocol has at least two adapters and one contract test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shared.domain.tasks import TranscribeTask


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

    def download_url(self, key: str, *, seconds: int) -> str:
        """A GET address that answers Range requests and stops working after `seconds`."""
        ...

    def upload_url(self, key: str, *, seconds: int) -> str:
        """A PUT address that creates the object and stops working after `seconds`."""
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

    def changed(self, recording_id: int) -> None: ...


class TaskTokens(Protocol):
    """Per-task credentials: valid for one job, for a limited time."""

    def issue(self, job_id: int, *, seconds: int) -> str: ...

    def verify(self, token: str, job_id: int) -> None:
        """Raises Unauthenticated."""
        ...


class LanguageModel(Protocol):
    """A chat model behind any server."""

    name: str

    def complete(
        self, messages: Sequence[Mapping[str, str]], *, max_tokens: int, temperature: float, json: bool = False
    ) -> str:
        """The answer's text. Raises Unavailable."""
        ...
