"""/api/tokens: what its users see and do, and what they cannot."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.accounts import Scope
from tests.support.door import Door
from tests.support.world import World

TOKENS = "/api/tokens"
EVERYTHING = [each.value for each in Scope]


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def created(door: Door, **body: Any) -> dict[str, Any]:
    answer = door.post(TOKENS, door.world.ann, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_token_is_shown_once_and_works(door: Door) -> None:
    made = created(door, name="  n8n ", expires_in_days=30)
    token = made.pop("token")
    assert len(token) == 43
    (listed, _) = door.get(TOKENS, door.world.ann).json()["tokens"]
    assert listed == made
    assert made.keys() == {"id", "name", "created_at", "last_used_at", "expires_at", "revoked", "scopes"}
    assert (made["name"], made["revoked"], made["last_used_at"], made["scopes"]) == ("n8n", False, None, EVERYTHING)
    assert made["created_at"].endswith("Z")
    expires = datetime.fromisoformat(made["expires_at"])
    assert expires == door.world.clock() + timedelta(days=30)
    assert door.get("/api/v1/users/me", headers={"API-Token": token}).json()["username"] == "ann"


def test_everything_may_be_left_out(door: Door) -> None:
    for body in ({}, {"name": " "}, {"name": None, "expires_in_days": None, "scopes": None}, {"expires_in_days": 0}):
        made = created(door, **body)
        assert (made["name"], made["expires_at"], made["scopes"]) == ("Unnamed Token", None, EVERYTHING)
    assert door.post(TOKENS, door.world.ann).status_code == 201


def test_newest_first(door: Door) -> None:
    ids = [created(door)["id"] for _ in range(3)]
    assert [each["id"] for each in door.get(TOKENS, door.world.ann).json()["tokens"]][:3] == ids[::-1]


def test_the_last_use_is_shown(door: Door) -> None:
    assert door.get(TOKENS, door.world.ann).json()["tokens"][0]["last_used_at"].endswith("Z")


UNFIT: list[Any] = [
    [],
    5,
    {"name": 5},
    {"name": "x" * 101},
    {"name": "a\x00b"},
    {"expires_in_days": -1},
    {"expires_in_days": 1.5},
    {"expires_in_days": "7"},
    {"expires_in_days": True},
    {"expires_in_days": 10**6},
    {"expires_in_days": 10**400},
    {"scopes": []},
    {"scopes": "read"},
    {"scopes": ["everything"]},
    {"scopes": ["read", 5]},
    {"scopes": {"read": True}},
]


def test_a_token_that_cannot_be_is_refused(door: Door) -> None:
    for body in UNFIT:
        answer = door.post(TOKENS, door.world.ann, json=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body
    assert len(door.get(TOKENS, door.world.ann).json()["tokens"]) == 1


@pytest.mark.parametrize("raw", [b'{"expires_in_days": NaN}', b'{"expires_in_days": 1e999}', b'{"name": "\\ud800"}'])
def test_numbers_and_texts_beyond_reason_are_refused(door: Door, raw: bytes) -> None:
    assert door.post(TOKENS, door.world.ann, content=raw).status_code == 400


def test_a_token_is_renamed(door: Door) -> None:
    made = created(door, name="old")
    answer = door.patch(f"{TOKENS}/{made['id']}", door.world.ann, json={"name": " new "})
    assert answer.status_code == 200
    made.pop("token")
    assert answer.json() == {**made, "name": "new"}


NAMELESS: list[Any] = [None, {}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": 5}]


def test_a_token_needs_a_name(door: Door) -> None:
    made = created(door, name="old")
    for body in NAMELESS:
        assert door.patch(f"{TOKENS}/{made['id']}", door.world.ann, json=body).status_code == 400, body


def test_a_revoked_token_ends_at_once(door: Door) -> None:
    made = created(door)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert door.get(TOKENS, headers=headers).status_code == 200
    answer = door.delete(f"{TOKENS}/{made['id']}", headers=headers)
    assert (answer.status_code, list(answer.json())) == (200, ["message"])
    answer = door.get(TOKENS, headers=headers)
    assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert door.delete(f"{TOKENS}/{made['id']}", door.world.ann).status_code == 404


def test_tokens_of_others_are_not_there(door: Door) -> None:
    bob = door.world.user("bob")
    made = created(door, name="hers")
    for missing in (made["id"], 999_999, 2**63, "x", "-1"):
        assert door.patch(f"{TOKENS}/{missing}", bob, json={"name": "mine"}).status_code == 404
        answer = door.delete(f"{TOKENS}/{missing}", bob)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert "hers" not in door.get(TOKENS, bob).text
    assert door.get(TOKENS, door.world.ann).json()["tokens"][0]["name"] == "hers"


def test_a_token_makes_none_that_is_good_for_more(door: Door) -> None:
    headers = {"X-API-Token": created(door, scopes=["account", "read", "read"])["token"]}
    child = door.post(TOKENS, headers=headers, json={})
    assert child.json()["scopes"] == ["read", "account"]
    assert door.post(TOKENS, headers=headers, json={"scopes": ["read"]}).json()["scopes"] == ["read"]
    for wanted in (["delete"], ["read", "write"], EVERYTHING):
        answer = door.post(TOKENS, headers=headers, json={"scopes": wanted})
        assert answer.status_code == 403
        assert answer.json()["code"] == "insufficient_scope"
        assert answer.json()["required_scopes"] == sorted(wanted)
        assert answer.json()["token_scopes"] == ["account", "read"]


def test_without_the_scope_account_tokens_are_out_of_reach(door: Door) -> None:
    made = created(door, scopes=[each for each in EVERYTHING if each != "account"])
    headers = {"X-API-Token": made["token"]}
    one = f"{TOKENS}/{made['id']}"
    for method, path, body in (
        ("GET", TOKENS, None),
        ("POST", TOKENS, {}),
        ("PATCH", one, {"name": "x"}),
        ("DELETE", one, None),
    ):
        answer = door.request(method, path, headers=headers, json=body)
        assert answer.status_code == 403
        assert answer.json().keys() == {"error", "code", "required_scopes", "token_scopes"}
        assert answer.json()["required_scopes"] == ["account"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_token_none_is_shown_and_none_is_made(door: Door, method: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer a.b.c"}):
        answer = door.request(method, TOKENS, headers=headers)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
        assert answer.headers["www-authenticate"] == "Bearer"


def test_what_is_no_address_says_so_in_the_same_shape(door: Door) -> None:
    assert list(door.get(f"{TOKENS}/", door.world.ann).json()) == ["error"]
    answer = door.put(TOKENS, door.world.ann, json={})
    assert (answer.status_code, list(answer.json())) == (405, ["error"])
    assert "POST" in answer.headers["allow"]
