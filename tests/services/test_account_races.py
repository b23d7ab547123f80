"""What happens to accounts, tokens and templates while somebody else is at them."""

import pytest

from shared.db import accounts as rows
from shared.db import groups
from shared.db.database import Database
from shared.domain.accounts import Role, Scope
from shared.domain.errors import Conflict, Forbidden, Unauthenticated
from shared.ports import Identity
from shared.services import accounts, idempotency, templates, tokens
from tests.support.world import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_name_that_a_provider_takes_in_between_does_not_become_an_administrator(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name, calls = rows.by_name, []

    def taken_meanwhile(tx, username):
        found = by_name(tx, username)
        if not calls:
            calls.append(username)
            with world.db.begin() as other:
                rows.add_user(other, username, issuer="https://id.example.org", subject="7")
        return found

    monkeypatch.setattr(rows, "by_name", taken_meanwhile)
    with pytest.raises(Conflict, match=r"id\.example\.org"):
        accounts.issue_token(world.db, "boss", is_admin=True)
    assert world.rows("SELECT is_admin FROM users WHERE username = 'boss'") == [(False,)]


def test_the_local_owner_is_in_the_groups_of_now(world: World) -> None:
    owner = accounts.local_owner(world.core)
    with world.db.begin() as tx:
        group = groups.add(tx, "Team")
        assert group is not None
        groups.join(tx, group.id, owner.user_id, Role.ADMIN)
    assert accounts.refreshed(world.core, owner).groups == {group.id: Role.ADMIN}


def test_what_a_user_says_of_themselves_is_not_undone_by_the_provider(world: World) -> None:
    class Provider:
        def verify(self, token: str) -> Identity:
            return Identity("https://id.example.org", "7", "bea", "bea@example.org", "Bea of the provider")

    from dataclasses import replace

    core = replace(world.core, identity=Provider())
    bea = accounts.authenticate(core, "a.b.c")
    assert accounts.profile(core, bea).name == "Bea of the provider"
    accounts.change_profile(core, bea, {"name": "Bea"}, {})
    assert accounts.profile(core, accounts.authenticate(core, "a.b.c")).name == "Bea"


def test_whoever_is_removed_in_the_middle_of_a_request_is_unknown(world: World) -> None:
    bob = world.user("bob")
    with world.db.begin() as tx:
        rows.remove_user(tx, bob.user_id)
    with pytest.raises(Unauthenticated), world.db.begin() as tx:
        rows.add_token(tx, bob.user_id, "hash", name="n", scopes=None, expires_at=None)


def test_there_are_only_so_many_tokens_and_templates(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    monkeypatch.setattr(templates, "MOST_TEMPLATES", 2)
    for number in range(2):
        tokens.create(world.core, world.ann, name="t", days=None, scopes=None)
        templates.create(world.core, world.ann, {"name": f"t{number}", "template": "{{text}}"})
    with pytest.raises(Conflict):
        tokens.create(world.core, world.ann, name="t", days=None, scopes=None)
    with pytest.raises(Conflict):
        templates.create(world.core, world.ann, {"name": "more", "template": "{{text}}"})


def test_a_kept_answer_is_only_for_tokens_that_could_have_asked(world: World) -> None:
    from dataclasses import replace

    needs = (Scope.READ, Scope.PROCESS)
    assert idempotency.once(world.core, world.ann, "key", "chat", lambda: {"response": "x"}, needs=needs)[1] is False
    blind = replace(world.ann, scopes=frozenset({Scope.PROCESS}))
    with pytest.raises(Forbidden):
        idempotency.once(world.core, blind, "key", "chat", lambda: {"response": "x"}, needs=needs)


def test_a_key_that_somebody_else_has_taken_over_is_not_given_back(world: World) -> None:
    def slow_and_broken() -> dict[str, str]:
        world.clock.pass_by(150)
        assert idempotency.once(world.core, world.ann, "key", "chat", lambda: {"response": "second"})[1] is False
        raise Conflict("It broke in the end.")

    with pytest.raises(Conflict):
        idempotency.once(world.core, world.ann, "key", "chat", slow_and_broken)
    kept = idempotency.once(world.core, world.ann, "key", "chat", lambda: {"response": "third"})
    assert kept == ({"response": "second"}, True)
