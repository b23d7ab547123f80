"""Who the caller is, and what they choose: /users/me and /settings/auto-summarization."""

from dataclasses import replace
from typing import Any

import pytest

from shared.db.database import Database
from shared.ports import Identity
from shared.services import accounts, groups, users
from tests.services.test_accounts import KnownTokens
from tests.support.door import Door
from tests.support.world import World

ME = "/api/v1/users/me"
AUTOMATIC = "/api/v1/settings/auto-summarization"


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def only(door: Door, *scopes: str) -> dict[str, str]:
    """Headers with a token of Ann's for `scopes` alone."""
    made = door.post("/api/tokens", door.world.ann, json={"scopes": list(scopes)})
    assert made.status_code == 201, made.text
    return {"X-API-Token": made.json()["token"]}


def test_a_fresh_user_is_all_defaults(door: Door) -> None:
    answer = door.get(ME, door.world.ann)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": door.world.ann.user_id,
        "username": "ann",
        "email": "",
        "name": None,
        "job_title": None,
        "company": None,
        "is_admin": False,
        "email_verified": False,
        "sso_provider": None,
        "can_share_publicly": True,
        "preferences": {
            "ui_language": "en",
            "transcription_language": None,
            "output_language": None,
            "extract_events": False,
            "auto_speaker_labelling": False,
            "auto_speaker_labelling_threshold": "medium",
            "auto_summarization": True,
            "show_timestamps_simple_view": False,
            "editor_autosave": False,
            "diarize": True,
            "summary_prompt": None,
        },
        "group_memberships": [],
    }


def test_what_the_operator_says_is_shown(door: Door) -> None:
    users.change(door.world.db, "ann", {"is_admin": True, "email": "ann@example.org", "name": "Ann A."})
    group = groups.add(door.world.db, "Engineering")
    groups.join(door.world.db, "Engineering", "ann", admin=True)
    answer = door.get(ME, door.world.ann).json()
    assert (answer["is_admin"], answer["email"], answer["email_verified"]) == (True, "ann@example.org", True)
    assert answer["name"] == "Ann A."
    (membership,) = answer["group_memberships"]
    assert membership.pop("joined_at").endswith("Z")
    assert membership == {"group_id": group.id, "group_name": "Engineering", "role": "admin"}


def test_a_user_of_a_provider_says_where_from(door: Door) -> None:
    known = KnownTokens(Identity("https://login.example.org/realms/one", "7", "bob", "bob@example.org"))
    door.client.app.state.core = replace(door.world.core, identity=known)  # type: ignore[attr-defined]
    answer = door.get(ME, headers={"Authorization": "bearer a.7.z"})
    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["sso_provider"]) == ("bob", "login.example.org")
    assert door.get(ME, headers={"Authorization": "Bearer a.8.z"}).status_code == 401


def test_without_a_token_nobody_is_anybody(door: Door) -> None:
    for method, path in (("GET", ME), ("PATCH", ME), ("PUT", AUTOMATIC)):
        answer = door.request(method, path, json={})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert list(answer.json()) == ["error"]


def test_what_is_given_is_changed_and_the_rest_stays(door: Door) -> None:
    body = {
        "name": "  Ann \n Archer ",
        "company": "Acme",
        "preferences": {"transcription_language": "German", "auto_speaker_labelling_threshold": "high", "what": 1},
        "is_admin": True,
        "email": "ceo@example.org",
        "username": "root",
    }
    answer = door.patch(ME, door.world.ann, json=body)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["company"]) == ("Ann Archer", "Acme")
    assert (answer.json()["is_admin"], answer.json()["email"], answer.json()["username"]) == (False, "", "ann")
    answer = door.patch(ME, door.world.ann, json={"company": None, "preferences": {"diarize": False}}).json()
    assert (answer["name"], answer["company"]) == ("Ann Archer", None)
    chosen = answer["preferences"]
    assert (chosen["transcription_language"], chosen["auto_speaker_labelling_threshold"]) == ("de", "high")
    assert (chosen["diarize"], chosen["auto_summarization"]) == (False, True)
    assert door.get(ME, door.world.ann).json() == answer
    assert door.get(ME, door.world.user("bob")).json()["name"] is None


UNFIT: list[Any] = [
    None,
    {},
    [],
    "x",
    5,
    {"name": 5},
    {"name": "x" * 201},
    {"job_title": "a\x00b"},
    {"company": ["a"]},
    {"preferences": None},
    {"preferences": []},
    {"preferences": {"diarize": "yes"}},
    {"preferences": {"diarize": None}},
    {"preferences": {"diarize": 1}},
    {"preferences": {"ui_language": "klingon"}},
    {"preferences": {"ui_language": 5}},
    {"preferences": {"auto_speaker_labelling_threshold": "extreme"}},
    {"preferences": {"auto_speaker_labelling_threshold": 0.7}},
    {"preferences": {"summary_prompt": "x" * 100_001}},
]


def test_what_cannot_be_kept_is_refused(door: Door) -> None:
    before = door.get(ME, door.world.ann).json()
    for body in UNFIT:
        answer = door.patch(ME, door.world.ann, json=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body
    assert door.get(ME, door.world.ann).json() == before


@pytest.mark.parametrize("raw", [b'{"name": "\\ud800"}', b'{"name": "\\u0000"}', b'{"name"', b"\xff"])
def test_bytes_that_are_no_text_are_refused(door: Door, raw: bytes) -> None:
    answer = door.patch(ME, door.world.ann, content=raw)
    assert answer.status_code == 400


def test_summaries_can_be_switched(door: Door) -> None:
    for wanted in (False, True):
        answer = door.put(AUTOMATIC, door.world.ann, json={"enabled": wanted})
        assert (answer.status_code, answer.json()) == (200, {"success": True, "auto_summarization": wanted})
        assert door.get(ME, door.world.ann).json()["preferences"]["auto_summarization"] is wanted


NOWHERE: list[bytes] = [b"", b"{}", b"{", b"[]", b'{"enabled": null}', b'{"enabled": "yes"}', b"1e999"]


def test_a_switch_needs_to_know_where_to(door: Door) -> None:
    for raw in NOWHERE:
        answer = door.put(AUTOMATIC, door.world.ann, content=raw)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), raw


def test_a_token_without_the_scope_is_told_which(door: Door) -> None:
    headers = only(door, "read", "upload")
    assert door.get(ME, headers=headers).status_code == 200
    for method, path, body in (("PATCH", ME, {"name": "x"}), ("PUT", AUTOMATIC, {"enabled": True})):
        answer = door.request(method, path, headers=headers, json=body)
        assert answer.status_code == 403
        assert answer.json().pop("error")
        assert {name: answer.json()[name] for name in ("code", "required_scopes", "token_scopes")} == {
            "code": "insufficient_scope",
            "required_scopes": ["account"],
            "token_scopes": ["read", "upload"],
        }
    assert door.get(ME, headers=only(door, "upload")).status_code == 403


def test_whoever_is_inactive_is_nobody(door: Door) -> None:
    assert door.get(ME, door.world.ann).status_code == 200
    users.change(door.world.db, "ann", {"is_active": False})
    assert door.get(ME, door.world.ann).status_code == 401


def test_without_accounts_the_local_owner_is_the_caller(database: Database) -> None:
    from fastapi.testclient import TestClient

    from api.app import create_app

    world = World(database)
    app = create_app(world.core, auth="none")
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5))
    answer = client.get(ME)
    assert (answer.status_code, answer.json()["username"], answer.json()["is_admin"]) == (200, "local", True)
    assert client.patch(ME, json={"name": "Me"}).json()["name"] == "Me"
    assert client.get("/api/tokens").json() == {"tokens": []}
    assert accounts.LOCAL_OWNER == "local"
