"""Every row of the Speakr API as its owner sees it, with a token just good for it: compared with snapshots."""

import re
from dataclasses import replace
from typing import Any

import pytest

from shared.db.database import Database
from shared.services import accounts
from tests.support import golden
from tests.support.door import Door
from tests.support.household import Household, household
from tests.support.operations import OPERATIONS
from tests.support.scripted_model import ScriptedModel
from tests.support.world import World

#: Numbers and random texts that differ from run to run.
_VARYING = re.compile(r"(secret|signing_key|token|token_prefix|url|upload_id)$")


@pytest.fixture
def home(database: Database) -> Household:
    world = World(database)
    model = ScriptedModel('{"SPEAKER_00": "Ann"}')
    world.core = replace(world.core, language_model=model)
    return household(world)


def name_of(method: str, path: str) -> str:
    """`GET /api/v1/recordings/{recording_id}/status` -> `get-recordings-id-status`."""
    said = re.sub(r"\{\w+\}", "id", path.removeprefix("/api/v1"))
    return re.sub(r"\W+", "-", f"{method.lower()}-{said.strip('/')}")


def settled(body: Any, name: str = "") -> Any:
    if isinstance(body, dict):
        return {key: settled(each, key) for key, each in body.items()}
    if isinstance(body, list):
        return [settled(each, name) for each in body]
    return f"<{name}>" if isinstance(body, str) and _VARYING.search(name) else body


@pytest.mark.parametrize("key", sorted(OPERATIONS), ids=" ".join)
def test_a_row_answers_its_owner_as_before(home: Household, key: tuple[str, str], request: Any) -> None:
    operation = OPERATIONS[key]
    scopes = frozenset({operation.scope, operation.also or operation.scope})
    answer = home.request(key, operation, accounts.issue_token(home.world.db, "ann", scopes=scopes))
    assert answer.status_code == operation.ok, answer.text
    kind = answer.headers.get("content-type", "none")
    body = (
        settled(answer.json())
        if kind == "application/json" and answer.content
        else re.sub(r"\d{8}T\d{6}Z", "<time>", answer.text)
    )
    found = {"status": answer.status_code, "content-type": kind, "body": golden.normalised(body)}
    golden.check(f"rows/{name_of(*key)}", found, update=bool(request.config.getoption("--update-golden")))


@pytest.mark.parametrize("page", ["docs", "openapi.json"])
def test_pages_need_no_token(database: Database, page: str) -> None:
    assert Door(World(database)).get(f"/api/v1/{page}").status_code == 200
