"""Three people at a door: ann, bob of the same group, and eve of none; and what tests of tags and folders do there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
from sqlalchemy import event

from shared.db import groups
from shared.db.database import Database
from shared.domain.accounts import Role
from shared.domain.policy import Policy
from tests.support.door import Door
from tests.support.world import World

API = "/api/v1"


class Office:
    """Ann is an admin of the group `crew`, bob a member."""

    def __init__(self, database: Database, **policy: Any) -> None:
        self.world = World(database, policy=Policy(**{"folders": True, **policy}))
        self.door = Door(self.world)
        self.ann = self.world.ann
        self.bob = self.world.user("bob")
        self.eve = self.world.user("eve")
        self.crew = self.group("crew", ann=Role.ADMIN, bob=Role.MEMBER)

    def group(self, name: str, **roles: Role) -> int:
        with self.world.db.begin() as tx:
            group = groups.add(tx, name)
            assert group is not None
            for username, role in roles.items():
                groups.join(tx, group.id, self.world.user(username).user_id, role)
        return group.id

    def rule(self, **policy: Any) -> None:
        """From now on the operator has decided otherwise."""
        core = self.world.core
        self.world.core = replace(core, policy=replace(core.policy, **policy))
        self.door = Door(self.world)

    def new(self, what: str, **body: Any) -> dict[str, Any]:
        """A tag or folder of ann's."""
        response = self.door.post(f"{API}/{what}", self.ann, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    def upload(self, caller: Any = None, **fields: str) -> dict[str, Any]:
        response = self.send(caller, **fields)
        assert response.status_code == 202, response.text
        return response.json()

    def send(self, caller: Any = None, **fields: str) -> httpx2.Response:
        return self.door.post(
            f"{API}/recordings/upload",
            caller or self.ann,
            files={"file": ("talk.wav", b"sound", "audio/wav")},
            data=fields,
        )

    def listed(self, recording_id: int) -> dict[str, Any]:
        """A recording as its owner's list shows it."""
        found = self.door.get(f"{API}/recordings", self.ann).json()["recordings"]
        return next(each for each in found if each["id"] == recording_id)

    def told(self, recording_id: int) -> list[list[str]]:
        """What the event log says of edits: the fields of each."""
        query = "SELECT data FROM events WHERE recording_id = :id AND kind = 'recording.updated' ORDER BY seq"
        return [row.data["fields"] for row in self.world.rows(query, id=recording_id)]


def refused(response: httpx2.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert isinstance(response.json()["error"], str)
    return response.json()["error"]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
