"""The whole API over a World, in this process: a request takes milliseconds, and time can be moved."""

from typing import Any

import httpx2
from fastapi.testclient import TestClient

from api.app import create_app
from shared.domain.accounts import Caller
from shared.services import accounts
from tests.support.world import World


class Door:
    """`get`, `post`, … as `caller` (a user of the world, by a token of its own), or as nobody."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = TestClient(create_app(world.core, auth="required"), raise_server_exceptions=False)
        self._tokens: dict[int, str] = {}

    def token(self, caller: Caller) -> str:
        if caller.user_id not in self._tokens:
            self._tokens[caller.user_id] = accounts.issue_token(self.world.db, caller.username)
        return self._tokens[caller.user_id]

    def request(self, method: str, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        headers = dict(rest.pop("headers", {}))
        if caller is not None:
            headers["Authorization"] = f"Bearer {self.token(caller)}"
        return self.client.request(method, path, headers=headers, **rest)

    def get(self, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        return self.request("GET", path, caller, **rest)

    def post(self, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        return self.request("POST", path, caller, **rest)

    def put(self, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        return self.request("PUT", path, caller, **rest)

    def patch(self, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        return self.request("PATCH", path, caller, **rest)

    def delete(self, path: str, caller: Caller | None = None, **rest: Any) -> httpx2.Response:
        return self.request("DELETE", path, caller, **rest)
