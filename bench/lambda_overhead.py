"""A warm `GET status` through Mangum, next to the same request straight through ASGI.

Postgres is embedded, the app is the one of the cloud. Run: python -m bench.lambda_overhead
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mangum import Mangum

from api.app import create_app
from bench.broadcast import fresh_world
from shared.services import accounts
from tests.support.world import World

REQUESTS = 300
ROUNDS = 5


def main() -> None:
    with fresh_world() as world:
        measure(world)


def measure(world: World) -> None:
    recording = world.upload()
    token = accounts.issue_token(world.db, "ann")
    path = f"/api/v1/recordings/{recording.id}/status"
    app = create_app(replace(world.core), auth="required")
    through_mangum, straight = mangum(app, path, token), asgi(app, path, token)
    # In turn, so that both see the same machine.
    pairs = [(_milliseconds(through_mangum), _milliseconds(straight)) for _ in range(ROUNDS)]
    ours, theirs = min(first for first, _ in pairs), min(second for _, second in pairs)
    print(f"GET status, warm: {ours:.2f} ms through Mangum, {theirs:.2f} ms straight through ASGI")
    print(f"lambda ratio: {ours / theirs:.2f} (target <= 1.5)")


def mangum(app: Any, path: str, token: str) -> Callable[[], object]:
    handler = Mangum(app, lifespan="off")
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": f"Bearer {token}", "host": "api.example"},
        "requestContext": {
            "domainName": "api.example",
            "stage": "$default",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": ""},
        },
        "isBase64Encoded": False,
    }

    def request() -> None:
        answer = handler(event, None)  # type: ignore[arg-type]
        assert answer["statusCode"] == 200, answer

    return request


def asgi(app: Any, path: str, token: str) -> Callable[[], object]:
    loop = asyncio.new_event_loop()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"host", b"api.example")],
        "client": ("192.0.2.1", 0),
        "server": ("api.example", 443),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200, message

    return lambda: loop.run_until_complete(app(dict(scope), receive, send))


def _milliseconds(request: Callable[[], object]) -> float:
    """The median of many."""
    times = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        request()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
