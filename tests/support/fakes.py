"""Adapters that keep everything in memory. They pass the same contract tests as the real ones."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.domain.errors import Invalid, TooLarge, Unauthenticated, Unavailable
from shared.domain.tasks import TranscribeTask


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class MemoryLauncher:
    """Records the tasks it is given. `refuse` makes it fail; `on_launch` is called while a task is on its way."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.tasks: list[TranscribeTask] = []
        self.running: dict[str, TranscribeTask] = {}
        self.cancelled: list[str] = []
        self.refuse: str | None = None
        self.on_launch: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def capacity(self) -> int:
        with self._lock:
            return self.room - len(self.running)

    def launch(self, task: TranscribeTask) -> str:
        if self.refuse is not None:
            raise Unavailable(self.refuse)
        self.on_launch()
        reference = f"{task.job_id}.{task.attempt}"
        with self._lock:
            self.tasks.append(task)
            self.running[reference] = task
        return reference

    def cancel(self, reference: str) -> None:
        with self._lock:
            self.cancelled.append(reference)
            self.running.pop(reference, None)


class MemoryWriter:
    def __init__(self, store: "MemoryStore", key: str) -> None:
        self._store = store
        self._key = key
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        if len(self._data) + len(data) > self._store.room:
            raise TooLarge("The store is full.")
        self._data += data

    def commit(self) -> None:
        self._store.objects[self._key] = bytes(self._data)

    def abort(self) -> None:
        self._data.clear()


class MemoryStore:
    """Objects in a dict; `room` is how large one may be."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.objects: dict[str, bytes] = {}

    def create(self, key: str) -> MemoryWriter:
        return MemoryWriter(self, _checked(key))

    def size(self, key: str) -> int | None:
        found = self.objects.get(_checked(key))
        return None if found is None else len(found)

    def delete(self, key: str) -> None:
        self.objects.pop(_checked(key), None)

    def keys(self) -> Sequence[str]:
        return list(self.objects)

    def path(self, key: str) -> Path | None:
        _checked(key)

    def download_url(self, key: str, *, seconds: int) -> str:
        return f"memory:{_checked(key)}?GET&{seconds}"

    def upload_url(self, key: str, *, seconds: int) -> str:
        return f"memory:{_checked(key)}?PUT&{seconds}"


def _checked(key: str) -> str:
    if any(part in ("", ".", "..") or "\x00" in part or len(part.encode()) > 255 for part in key.split("/")):
        raise Invalid("This is not the key of an object.")
    return key


class MemoryKicks:
    def __init__(self) -> None:
        self.count = 0

    def kick(self) -> None:
        self.count += 1


class MemoryLive:
    def __init__(self) -> None:
        self.changes: list[int] = []

    def changed(self, recording_id: int) -> None:
        self.changes.append(recording_id)


class MemoryTokens:
    """Tokens that are looked up."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[int, datetime]] = {}

    def issue(self, job_id: int, *, seconds: int) -> str:
        token = f"token-{len(self._issued)}"
        self._issued[token] = (job_id, self._clock() + timedelta(seconds=seconds))
        return token

    def verify(self, token: str, job_id: int) -> None:
        job, until = self._issued.get(token, (None, self._clock()))
        if job != job_id or until <= self._clock():
            raise Unauthenticated("The token is not valid for this job.")
