"""Adapters that keep everything in memory. They pass the same contract tests as the real ones."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from shared.domain.connections import MESSAGE_BYTES
from shared.domain.errors import Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from shared.domain.keys import checked_key
from shared.domain.tasks import TranscribeTask
from shared.domain.uploads import Part
from shared.ports import Delivery, Response


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
    """Objects in a dict; `room` is how large one may be. `put` is what a client does with an address."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.objects: dict[str, bytes] = {}
        #: The parts of each upload by their numbers.
        self.uploads: dict[tuple[str, str], dict[int, bytes]] = {}
        self._begun = 0

    def create(self, key: str) -> MemoryWriter:
        return MemoryWriter(self, checked_key(key))

    def size(self, key: str) -> int | None:
        found = self.objects.get(checked_key(key))
        return None if found is None else len(found)

    def delete(self, key: str) -> None:
        self.objects.pop(checked_key(key), None)

    def keys(self) -> Sequence[str]:
        return list(self.objects)

    def path(self, key: str) -> Path | None:
        checked_key(key)

    def download_url(self, key: str, *, seconds: int, content_type: str = "", disposition: str = "") -> str:
        said = {"type": content_type, "disposition": disposition}
        return _address(method="GET", key=checked_key(key), seconds=seconds, **said)

    def upload_url(self, key: str, *, content_type: str, size: int, seconds: int) -> str:
        return _address(method="PUT", key=checked_key(key), type=content_type, size=size, seconds=seconds)

    def begin_parts(self, key: str, *, content_type: str) -> str:
        self._begun += 1
        reference = f"upload-{self._begun}"
        self.uploads[checked_key(key), reference] = {}
        return reference

    def part_url(self, key: str, reference: str, number: int, *, size: int, seconds: int) -> str:
        return _address(method="PUT", key=checked_key(key), upload=reference, part=number, size=size, seconds=seconds)

    def parts(self, key: str, reference: str) -> Sequence[Part]:
        return [Part(number, len(data)) for number, data in sorted(self._upload(key, reference).items())]

    def finish_parts(self, key: str, reference: str) -> None:
        found = self._upload(key, reference)
        if not found:
            raise Invalid("No part of this upload is there.")
        self.objects[key] = b"".join(data for _, data in sorted(found.items()))
        self.uploads.pop((key, reference), None)

    def abort_parts(self, key: str, reference: str) -> None:
        self.uploads.pop((checked_key(key), reference), None)

    def put(self, url: str, data: bytes, content_type: str = "") -> bool:
        """Whether the address took it."""
        said = {name: values[0] for name, values in parse_qs(url.partition("?")[2]).items()}
        if said["method"] != "PUT" or int(said["size"]) != len(data) or said.get("type", content_type) != content_type:
            return False
        if "part" not in said:
            self.objects[said["key"]] = data
            return True
        upload = self.uploads.get((said["key"], said["upload"]))
        if upload is not None:
            upload[int(said["part"])] = data
        return upload is not None

    def _upload(self, key: str, reference: str) -> dict[int, bytes]:
        try:
            return self.uploads[checked_key(key), reference]
        except KeyError as error:
            raise NotFound("There is no such upload in parts.") from error


def _address(**said: object) -> str:
    return f"memory:?{urlencode(said)}"


class MemoryConnections:
    """What each open connection was sent. `room` says how many messages a connection takes before it is busy."""

    def __init__(self, *open: str) -> None:
        self.messages: dict[str, list[str]] = {connection: [] for connection in open}
        self.room: dict[str, int] = {}
        self.closed: list[str] = []

    def send(self, messages: Mapping[str, Sequence[str]]) -> Mapping[str, Delivery]:
        if any(len(text.encode()) > MESSAGE_BYTES for texts in messages.values() for text in texts):
            raise Invalid("A message is too long.")
        return {connection: self._deliver(connection, texts) for connection, texts in messages.items()}

    def close(self, connection_ids: Sequence[str]) -> None:
        self.closed += [each for each in connection_ids if self.messages.pop(each, None) is not None]

    def _deliver(self, connection: str, texts: Sequence[str]) -> Delivery:
        if connection not in self.messages:
            return Delivery(0, gone=bool(texts))
        taken = texts[: self.room.get(connection, len(texts))]
        if connection in self.room:
            self.room[connection] -= len(taken)
        self.messages[connection] += taken
        return Delivery(len(taken))


class MemoryKicks:
    def __init__(self) -> None:
        self.count = 0

    def kick(self) -> None:
        self.count += 1


class MemoryLive:
    def __init__(self) -> None:
        self.changes: list[int] = []

    def changed(self, *recording_ids: int) -> None:
        self.changes += recording_ids


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


class MemoryWebhookKicks:
    def __init__(self) -> None:
        self.kicked: list[int] = []

    def kick(self, webhook_ids: Sequence[int]) -> None:
        self.kicked += webhook_ids


class MemoryWebhookSender:
    """Keeps what it is given to send. `answers` are taken in order, then 200; a Response or an error to raise."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Response | Exception] = []
        self.refused: str | None = None

    def check(self, url: str, *, allow_http: bool) -> None:
        if self.refused is not None:
            raise Invalid(self.refused)

    def send(self, url: str, headers: Mapping[str, str], body: bytes, *, allow_http: bool) -> Response:
        self.check(url, allow_http=allow_http)
        self.sent.append((url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else Response(200, "ok")
        if isinstance(answer, Exception):
            raise answer
        return answer
