"""Who a credential stands for: API tokens, tokens of an identity provider, and users at first sight."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event

from shared.domain.accounts import ALL_SCOPES, Role, Scope
from shared.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from shared.ports import Identity
from shared.services import accounts, groups, templates, tokens, users
from shared.services.core import Core
from tests.support.world import World

ISSUER = "https://login.example.org/"


class KnownTokens:
    """An identity provider whose tokens are looked up."""

    def __init__(self, *identities: Identity) -> None:
        self.identities = {f"a.{each.subject}.z": each for each in identities}

    def verify(self, token: str) -> Identity:
        if token not in self.identities:
            raise Unauthenticated("The token is not valid here.")
        return self.identities[token]


def trusting(world: World, *identities: Identity) -> Core:
    return replace(world.core, identity=KnownTokens(*identities))


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(world.db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(world.db.engine, "before_cursor_execute", note)


def last_used(world: World) -> datetime | None:
    return world.rows("SELECT last_used_at FROM api_tokens")[0][0]


def at_once(work: list[Any]) -> list[Any]:
    """What each of the functions returns; they begin together."""
    barrier, results = threading.Barrier(len(work)), []

    def run(each: Any) -> None:
        barrier.wait()
        results.append(each())

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_token_says_who_with_groups_and_scopes_in_one_statement(world: World) -> None:
    groups.add(world.db, "Sales")
    groups.join(world.db, "Sales", "ann", admin=True)
    groups.add(world.db, "Board")
    groups.join(world.db, "Board", "ann", admin=False)
    token = accounts.issue_token(world.db, "ann", scopes=frozenset({Scope.READ}))
    accounts.authenticate(world.core, token)
    with statements(world) as sent:
        caller = accounts.authenticate(world.core, token)
    assert len(sent) == 1
    assert (caller.user_id, caller.username, caller.scopes) == (world.ann.user_id, "ann", {Scope.READ})
    assert sorted(caller.groups.values()) == [Role.ADMIN, Role.MEMBER]
    assert len(caller.administered) == 1
    assert caller.token_id == world.rows("SELECT id FROM api_tokens")[0][0]


def test_a_token_is_good_for_everything_unless_it_says_otherwise(world: World) -> None:
    assert accounts.authenticate(world.core, accounts.issue_token(world.db, "ann")).scopes == ALL_SCOPES


def test_a_token_with_no_scope_left_is_good_for_nothing(world: World) -> None:
    token = accounts.issue_token(world.db, "ann")
    with world.db.begin() as tx:
        tx.exec_driver_sql("UPDATE api_tokens SET scopes = '{}'")
    assert accounts.authenticate(world.core, token).scopes == frozenset()


def test_the_use_of_a_token_is_noted_once_a_minute(world: World) -> None:
    token = accounts.issue_token(world.db, "ann")
    assert last_used(world) is None
    accounts.authenticate(world.core, token)
    first = last_used(world)
    assert first == world.clock()
    world.clock.pass_by(59)
    accounts.authenticate(world.core, token)
    assert last_used(world) == first
    world.clock.pass_by(1)
    accounts.authenticate(world.core, token)
    assert last_used(world) == world.clock()


def test_a_token_ends_when_it_expires(world: World) -> None:
    _, token = tokens.create(world.core, world.ann, name="", days=1, scopes=None)
    world.clock.pass_by(24 * 3600 - 1)
    accounts.authenticate(world.core, token)
    world.clock.pass_by(1)
    with pytest.raises(Unauthenticated):
        accounts.authenticate(world.core, token)


def test_a_token_ends_when_it_is_revoked(world: World) -> None:
    made, token = tokens.create(world.core, world.ann, name="", days=None, scopes=None)
    accounts.authenticate(world.core, token)
    tokens.revoke(world.core, world.ann, made.id)
    with pytest.raises(Unauthenticated):
        accounts.authenticate(world.core, token)


def test_whoever_is_inactive_is_turned_away_at_once(world: World) -> None:
    token = accounts.issue_token(world.db, "ann")
    users.change(world.db, "ann", {"is_active": False})
    with pytest.raises(Unauthenticated):
        accounts.authenticate(world.core, token)
    with pytest.raises(Conflict):
        accounts.issue_token(world.db, "ann")
    users.change(world.db, "ann", {"is_active": True})
    accounts.authenticate(world.core, token)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "a.b", "a.b.c", "\x00", "\ud800", "x" * 100_000])
def test_an_unknown_token_is_refused(world: World, token: str) -> None:
    with pytest.raises(Unauthenticated):
        accounts.authenticate(world.core, token)


def test_only_the_hash_of_a_token_is_kept(world: World) -> None:
    token = accounts.issue_token(world.db, "ann", name="laptop")
    (row,) = world.rows("SELECT * FROM api_tokens")
    assert token not in str(row)
    assert (row.name, len(row.token_hash)) == ("laptop", 64)


@pytest.mark.parametrize("days", [-1, 36_501, 10**400])
def test_days_that_nobody_can_mean_are_refused(world: World, days: int) -> None:
    with pytest.raises(Invalid):
        accounts.issue_token(world.db, "ann", days=days)


def test_a_subject_becomes_a_user_at_first_sight(world: World) -> None:
    bob = Identity(ISSUER, "42", "bob", "bob@example.org", "Bob B.")
    core = trusting(world, bob)
    first = accounts.authenticate(core, "a.42.z")
    assert (first.username, first.is_admin, first.scopes, first.token_id) == ("bob", False, ALL_SCOPES, None)
    assert accounts.authenticate(core, "a.42.z").user_id == first.user_id
    profile = accounts.profile(core, first)
    assert (profile.email, profile.name, profile.issuer) == ("bob@example.org", "Bob B.", ISSUER)
    with statements(world) as sent:
        accounts.authenticate(core, "a.42.z")
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (Identity(ISSUER, "7", None, "eve@example.org"), "eve@example.org"),
        (Identity(ISSUER, "7"), "7"),
        (Identity(ISSUER, "7", "Eve von Übel/../x\x00"), "Eve-von-Übel-..-x"),
        (Identity(ISSUER, "7", "  "), "user"),
        (Identity(ISSUER, "7", "e" * 320), "e" * 130),
    ],
)
def test_the_name_of_a_new_user_is_what_the_token_offers(world: World, identity: Identity, name: str) -> None:
    assert accounts.authenticate(trusting(world, identity), "a.7.z").username == name


@pytest.mark.parametrize("claims", [{"username": "ann"}, {"email": "ann"}, {"username": "local"}])
def test_a_name_at_a_provider_makes_nobody_someone_else(world: World, claims: dict[str, str]) -> None:
    users.change(world.db, "ann", {"is_admin": True, "email": "ann@example.org"})
    owner = accounts.local_owner(world.core)
    stranger = Identity(ISSUER, "666", **claims)
    caller = accounts.authenticate(trusting(world, stranger), "a.666.z")
    assert caller.user_id not in (world.ann.user_id, owner.user_id)
    assert not caller.is_admin
    assert caller.username.startswith(("ann-", "local-"))


def test_the_name_of_the_local_owner_is_not_given_away_before_there_is_one(world: World) -> None:
    caller = accounts.authenticate(trusting(world, Identity(ISSUER, "666", "local")), "a.666.z")
    assert accounts.local_owner(world.core).user_id != caller.user_id


def test_the_same_subject_of_another_issuer_is_another_user(world: World) -> None:
    one = accounts.authenticate(trusting(world, Identity(ISSUER, "1", "bob")), "a.1.z")
    other = accounts.authenticate(trusting(world, Identity("https://else.example.org", "1", "bob")), "a.1.z")
    assert one.user_id != other.user_id


def test_two_first_requests_at_once_make_one_user(world: World) -> None:
    core = trusting(world, Identity(ISSUER, "42", "bob"))
    before = world.count("users")
    callers = at_once([lambda: accounts.authenticate(core, "a.42.z")] * 8)
    assert len({caller.user_id for caller in callers}) == 1
    assert world.count("users") == before + 1


def test_two_who_want_the_same_name_at_once_are_two_users(world: World) -> None:
    people = [Identity(ISSUER, str(number), "bob") for number in range(6)]
    core = trusting(world, *people)
    callers = at_once([lambda one=one: accounts.authenticate(core, f"a.{one.subject}.z") for one in people])
    assert len({caller.user_id for caller in callers}) == len({caller.username for caller in callers}) == 6
    assert "bob" in {caller.username for caller in callers}


def test_what_a_provider_says_anew_is_kept_and_what_it_leaves_out_stays(world: World) -> None:
    core = trusting(world, Identity(ISSUER, "42", "bob", "old@example.org", "Bob"))
    caller = accounts.authenticate(core, "a.42.z")
    accounts.authenticate(trusting(world, Identity(ISSUER, "42", "robert", "new@example.org")), "a.42.z")
    profile = accounts.profile(core, caller)
    assert (profile.username, profile.email, profile.name) == ("bob", "new@example.org", "Bob")


def test_an_inactive_user_of_a_provider_is_turned_away(world: World) -> None:
    core = trusting(world, Identity(ISSUER, "42", "bob"))
    accounts.authenticate(core, "a.42.z")
    users.change(world.db, "bob", {"is_active": False})
    with pytest.raises(Unauthenticated):
        accounts.authenticate(core, "a.42.z")


def test_a_user_of_a_provider_is_no_administrator_by_a_chosen_name(world: World) -> None:
    accounts.authenticate(trusting(world, Identity(ISSUER, "666", "root")), "a.666.z")
    with pytest.raises(Conflict, match="user change root --admin"):
        accounts.issue_token(world.db, "root", is_admin=True)
    users.change(world.db, "root", {"is_admin": True})
    accounts.issue_token(world.db, "root", is_admin=True)


def test_the_local_owner_needs_no_account_and_knows_its_groups(world: World) -> None:
    owner = accounts.local_owner(world.core)
    assert owner.is_admin
    group = groups.add(world.db, "Sales")
    groups.join(world.db, "Sales", accounts.LOCAL_OWNER, admin=True)
    assert accounts.refreshed(world.core, owner).administered == (group.id,)


def test_no_use_case_of_an_account_forgets_its_scope(world: World) -> None:
    nothing = replace(world.ann, scopes=frozenset())
    read = replace(world.ann, scopes=ALL_SCOPES - {Scope.ACCOUNT, Scope.WRITE})
    core = world.core
    refused: list[Any] = [
        lambda: accounts.profile(core, nothing),
        lambda: accounts.change_profile(core, read, {}, {}),
        lambda: tokens.listed(core, read),
        lambda: tokens.create(core, read, name="", days=None, scopes=None),
        lambda: tokens.rename(core, read, 1, "x"),
        lambda: tokens.revoke(core, read, 1),
        lambda: templates.listed(core, nothing),
        lambda: templates.create(core, read, {"name": "a", "template": "b"}),
        lambda: templates.change(core, read, 1, {}),
        lambda: templates.remove(core, read, 1),
    ]
    for use in refused:
        with pytest.raises(Forbidden) as refusal:
            use()
        assert refusal.value.details["code"] == "insufficient_scope"


def test_no_token_is_in_the_log_on_any_path(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    core = trusting(world, Identity(ISSUER, "42", "bob", "bob@example.org"))
    good = accounts.issue_token(world.db, "ann")
    for shown in (good, good, "a.42.z", "a.42.z"):
        accounts.authenticate(core, shown)
    for refused in ("wrong-token", "wrong.token.jwt"):
        with pytest.raises(Unauthenticated) as refusal:
            accounts.authenticate(core, refused)
        assert refused not in str(refusal.value)
    users.change(world.db, "ann", {"is_active": False})
    with pytest.raises(Unauthenticated):
        accounts.authenticate(core, good)
    assert [text for text in (good, "a.42.z", "wrong-token", "wrong.token") if text in caplog.text] == []
