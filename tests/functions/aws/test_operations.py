"""What a deploy and an operator invoke."""

import pytest

from functions.aws import deliver_webhooks, migrate, token
from shared.domain.errors import Invalid, Unauthenticated
from shared.services import accounts
from tests.functions.aws.conftest import Deployment, failures, sqs


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


@pytest.mark.parametrize("event", [{}, {"user": 7}, {"user": "no spaces"}, {"user": "ann", "admin": "yes"}])
def test_a_user_who_cannot_be_is_refused(deployment: Deployment, event: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        token.handler(event, None)


def test_a_kick_for_webhooks_is_taken(deployment: Deployment) -> None:
    assert failures(deliver_webhooks.handler(sqs({"kind": "deliver"}), None)) == []
