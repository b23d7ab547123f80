"""Who may do what: every operation of the OpenAPI documents, for everybody, with every scope."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from shared.db.database import Database
from shared.domain.accounts import Scope
from shared.services import accounts
from tests.support.household import MARK, Household, filled, household
from tests.support.operations import OPERATIONS, Kind
from tests.support.world import World

#: Addresses of the root application that are not about anything of a caller's, or belong to another API.
_OTHER = ("/health", "/jobs/", "/objects/", "/docs")
KEYS = sorted(OPERATIONS)
STRANGERS = ("bob", "mia", "gus", "sue")


@pytest.fixture(scope="module")
def refusing(postgres: str, admin: Engine) -> Iterator[Household]:
    """One household for all that is refused: nothing of it changes."""
    from sqlalchemy import text

    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE household TEMPLATE migrated"))
    database = Database(postgres.replace("/postgres?", "/household?"))
    yield household(World(database))
    database.close()


@pytest.fixture
def home(database: Database) -> Household:
    return household(World(database))


def documented(home: Household) -> set[tuple[str, str]]:
    found = set()
    for prefix, address in (("", "/openapi.json"), ("/api/v1", "/api/v1/openapi.json")):
        for path, operations in home.door.get(address).json()["paths"].items():
            found |= {(method.upper(), f"{prefix}{path}") for method in operations}
    return {(method, path) for method, path in found if path != "/" and not path.startswith(_OTHER)}


def test_no_operation_is_forgotten(refusing: Household) -> None:
    assert documented(refusing) == set(OPERATIONS)


def token(home: Household, name: str, *scopes: Scope) -> str:
    return accounts.issue_token(home.world.db, name, scopes=frozenset(scopes) if scopes else None)


def is_ann_s(answer: Any) -> bool:
    return MARK in answer.text


@pytest.mark.parametrize("key", KEYS, ids=" ".join)
def test_nobody_is_told_to_come_with_a_token(refusing: Household, key: tuple[str, str]) -> None:
    answer = refusing.request(key, OPERATIONS[key], None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not is_ann_s(answer)


@pytest.mark.parametrize("key", [key for key in KEYS if OPERATIONS[key].kind is not Kind.OWN], ids=" ".join)
def test_strangers_members_and_admins_are_refused(refusing: Household, key: tuple[str, str]) -> None:
    operation = OPERATIONS[key]
    for name in STRANGERS:
        if operation.kind is Kind.BATCH and name == "sue" and key[0] == "DELETE":
            continue
        answer = refusing.request(key, operation, token(refusing, name))
        assert not is_ann_s(answer), name
        match operation.kind:
            case Kind.OWNED:
                assert answer.status_code == 403, (name, answer.text)
            case Kind.HIDDEN:
                assert answer.status_code == 404, (name, answer.text)
            case Kind.BATCH:
                assert [each["success"] for each in answer.json()["results"]] == [False], name


@pytest.mark.parametrize(
    "key", [key for key in KEYS if OPERATIONS[key].kind is Kind.OWN and key[0] == "GET"], ids=" ".join
)
def test_lists_hold_nothing_of_anybody_else(refusing: Household, key: tuple[str, str]) -> None:
    for name in STRANGERS:
        answer = refusing.request(key, OPERATIONS[key], token(refusing, name))
        assert answer.status_code == 200, name
        assert not is_ann_s(answer), name


@pytest.mark.parametrize("key", KEYS, ids=" ".join)
def test_a_token_without_the_scope_is_refused(refusing: Household, key: tuple[str, str]) -> None:
    operation = OPERATIONS[key]
    others = [scope for scope in Scope if scope is not operation.scope]
    answer = refusing.request(key, operation, token(refusing, "ann", *others))
    assert answer.status_code == 403, answer.text
    assert not is_ann_s(answer)
    if not key[1].startswith("/uploads"):
        assert answer.json()["code"] == "insufficient_scope"
        assert answer.json()["required_scopes"] == [operation.scope]
        assert answer.json()["token_scopes"] == sorted(others)


def test_an_administrator_may_delete_by_a_list_but_not_look(home: Household) -> None:
    key = ("DELETE", "/api/v1/recordings/batch")
    answer = home.request(key, OPERATIONS[key], token(home, "sue"))
    assert answer.json()["deleted"] == 1
    assert home.world.count("recordings") == 0


#: What members of a group and its admins hear about a tag and a folder of the group.
_SHARED = (
    ("GET", "/api/v1/folders/{folder}", None, 200, 200),
    ("PUT", "/api/v1/tags/{tag}", {"name": "x"}, 403, 200),
    ("DELETE", "/api/v1/tags/{tag}", None, 403, 200),
    ("PUT", "/api/v1/folders/{folder}", {"name": "x"}, 403, 200),
    ("PATCH", "/api/v1/folders/{folder}", {"name": "x"}, 403, 200),
    ("DELETE", "/api/v1/folders/{folder}", None, 403, 200),
)


@pytest.mark.parametrize(("method", "path", "body", "for_members", "for_admins"), _SHARED)
def test_what_is_a_group_s_is_seen_by_members_and_changed_by_admins(
    home: Household, method: str, path: str, body: Any, for_members: int, for_admins: int
) -> None:
    gus, group = home.people["gus"], home.ids["group_id"]
    tag = home.door.post("/api/v1/tags", gus, json={"name": "ours", "group_id": group}).json()["id"]
    folder = home.door.post("/api/v1/folders", gus, json={"name": "ours", "group_id": group}).json()["id"]
    address = path.format(tag=tag, folder=folder)
    expected = {"bob": 403, "sue": 403, "mia": for_members, "ann": for_members, "gus": for_admins}
    for name, status in expected.items():
        answer = home.door.request(method, address, home.people[name], json=body)
        assert answer.status_code == status, (name, answer.text)


def test_only_admins_of_a_group_make_things_for_it(home: Household) -> None:
    for path in ("tags", "folders"):
        for name, status in {"bob": 403, "mia": 403, "sue": 403, "gus": 201}.items():
            body = {"name": f"for the group by {name}", "group_id": home.ids["group_id"]}
            assert home.door.post(f"/api/v1/{path}", home.people[name], json=body).status_code == status


def test_the_numbers_of_everybody_are_for_administrators(home: Household) -> None:
    for name, status in {"ann": 403, "gus": 403, "sue": 200}.items():
        assert home.door.get("/api/v1/stats?scope=all", home.people[name]).status_code == status


def test_missing_things_are_missing_before_they_are_forbidden(refusing: Household) -> None:
    for (method, path), operation in OPERATIONS.items():
        if operation.kind is Kind.OWNED and "{recording_id}" in path:
            address = path.replace("{recording_id}", "999999").format(**refusing.ids)
            body = filled(operation.body, refusing.ids)
            answer = refusing.door.request(method, address, refusing.people["bob"], json=body)
            assert answer.status_code == 404, (method, path, answer.text)
