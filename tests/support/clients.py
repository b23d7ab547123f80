"""Programs that people use with Speakr: where each puts its token, whether it follows redirects, how it uploads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.local_webhooks import LocalWebhooks
from shared.services import deliveries
from tests.support.door import Door
from tests.support.world import World

API = "/api/v1"
RECORDINGS = f"{API}/recordings"
UPLOAD = f"{RECORDINGS}/upload"

#: What the published API says a status may be.
STATUSES = {"PENDING", "PROCESSING", "SUMMARIZING", "COMPLETED", "FAILED"}


@dataclass
class Program:
    """One program of ann's, or with a token that may be no good."""

    door: Door
    headers: dict[str, str] = field(default_factory=dict)
    follows: bool = True

    def ask(self, method: str, path: str, **rest: Any) -> httpx2.Response:
        headers = {**self.headers, **rest.pop("headers", {})}
        return self.door.client.request(method, path, headers=headers, follow_redirects=self.follows, **rest)

    def get(self, path: str, **rest: Any) -> Any:
        """The JSON of a page that has to be there: whoever gets a 200 that is no JSON takes its session for over."""
        answer = self.ask("GET", path, **rest)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.json()

    def upload(self, name: str = "talk.wav", data: Any = b"sound", mime: Any = "audio/wav", **rest: Any) -> Any:
        """The answer, whatever it is; `rest` are the text fields, or headers."""
        headers = rest.pop("headers", {})
        return self.ask("POST", UPLOAD, files={"file": (name, data, mime)}, data=rest, headers=headers)

    def uploaded(self, *file: Any, **rest: Any) -> Any:
        answer = self.upload(*file, **rest)
        assert answer.status_code == 202, answer.text
        return answer.json()


def bearer(door: Door, token: str | None = None) -> Program:
    """The recorder for Android (OkHttp follows a 302 as a GET), the companion for Windows, n8n."""
    return Program(door, {"Authorization": f"Bearer {token or door.token(door.world.ann)}"})


def phone(door: Door, token: str | None = None) -> Program:
    """The app for phones sends its token in two places."""
    token = token or door.token(door.world.ann)
    return Program(door, {"X-API-Token": token, "Authorization": f"Bearer {token}"})


def archive(door: Door) -> Program:
    """The service that keeps evidence follows no redirects."""
    return Program(door, {"X-API-Token": door.token(door.world.ann)}, follows=False)


def refusal(answer: httpx2.Response, status: int) -> str:
    """The sentence in an error, after a look at its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()["error"]
    assert isinstance(said, str) and said and not said.lstrip().startswith("<")
    return said


def moment(text: str) -> datetime:
    """A time as clients read it that know Z alone."""
    assert text.endswith("Z"), text
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def is_number(value: Any) -> bool:
    """Whether it is a `num` of Dart: no text, and no boolean either."""
    return type(value) in (int, float)


def form_by_hand(filename: str, **fields: str) -> dict[str, Any]:
    """The body and headers of an upload, as the bridge for Windows writes them itself."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
    head = f'Content-Disposition: form-data; name="file"; filename="{filename}"'
    parts.append(f"{head}\r\nContent-Type: application/octet-stream\r\n\r\nsound")
    body = "".join(f"--bridge\r\n{part}\r\n" for part in parts).encode() + b"--bridge--\r\n"
    said = {"Content-Type": "multipart/form-data; boundary=bridge", "Content-Length": str(len(body))}
    return {"content": body, "headers": said}


@contextmanager
def sending(world: World) -> Iterator[None]:
    """Meanwhile webhooks to this machine are really called, as soon as there is something to say. Time passes."""
    kicks, sender = LocalWebhooks(), HttpWebhookSender(r"^127\.0\.0\.1$")
    core = replace(world.core, webhook_kicks=kicks, webhook_sender=sender, now=lambda: datetime.now(UTC))
    before, world.core = world.core, core
    kicks.start(lambda room: deliveries.claim(core, limit=room), lambda attempt: deliveries.send(core, attempt))
    try:
        yield
    finally:
        kicks.stop()
        world.core = before
