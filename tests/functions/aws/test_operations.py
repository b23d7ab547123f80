"""What a deploy and an operator invoke."""

import pytest

from functions.aws import migrate, token
from shared.domain.accounts import Scope
from shared.domain.errors import Invalid, Unauthenticated
from shared.services import accounts
from tests.functions.aws.conftest import Deployment


def test_a_deploy_migrates_before_and_after(deployment: Deployment) -> None:
    from sqlalchemy import text

    with deployment.core.db.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    before = migrate.handler({"step": "pre"}, None)
    assert before == migrate.handler({"step": "pre"}, None)
    after = migrate.handler({"step": "post"}, None)
    assert int(after["revision"]) >= int(before["revision"]) > 0


@pytest.mark.parametrize("event", [{}, {"step": "now"}])
def test_a_step_that_is_none_is_refused(event: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        migrate.handler(event, None)


def test_an_operator_gets_a_token(deployment: Deployment) -> None:
    made = token.handler({"user": "bob", "admin": True}, None)
    caller = accounts.authenticate(deployment.core, made["token"])
    assert (caller.username, caller.is_admin) == ("bob", True)
    with pytest.raises(Unauthenticated):
        accounts.authenticate(deployment.core, made["token"][:-1])


def test_an_operator_gets_a_token_that_is_good_for_less(deployment: Deployment) -> None:
    made = token.handler({"user": "bob", "scopes": ["read"], "days": 1, "name": "phone"}, None)
    assert accounts.authenticate(deployment.core, made["token"]).scopes == {Scope.READ}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"user": 7},
        {"user": "no spaces"},
        {"user": "ann", "admin": "yes"},
        {"user": "ann", "scopes": "read"},
        {"user": "ann", "scopes": []},
        {"user": "ann", "scopes": [7]},
        {"user": "ann", "scopes": ["fly"]},
        {"user": "ann", "days": "1"},
        {"user": "ann", "days": True},
        {"user": "ann", "days": -1},
        {"user": "ann", "name": None},
    ],
)
def test_a_user_who_cannot_be_is_refused(deployment: Deployment, event: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        token.handler(event, None)
