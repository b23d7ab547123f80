"""What is said in confidence is in no log: tokens, secrets, and what people say, write and call their things."""

import logging

import pytest
from sqlalchemy import text

from shared.db.database import Database
from shared.services import accounts
from tests.support.door import Door
from tests.support.household import MARK, household
from tests.support.operations import OPERATIONS
from tests.support.world import World


def test_no_operation_logs_a_token_a_secret_or_a_text(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    home = household(World(database))
    shown = {name: accounts.issue_token(database, name) for name in home.people}
    answers = []
    # Deletions last, so that all the others find what they are about.
    for key in sorted(OPERATIONS, key=lambda each: each[0] == "DELETE"):
        for token in (*shown.values(), "not-a-token-at-all", None):
            answers.append(home.request(key, OPERATIONS[key], token))
    secrets = [row.secret for row in home.world.rows("SELECT secret FROM webhooks")]
    secrets += [answer.json()["token"] for answer in answers if answer.status_code == 201 and "token" in answer.json()]
    assert len(secrets) >= len(home.people)
    assert caplog.text
    for confidence in (*shown.values(), *secrets, "not-a-token-at-all", MARK, "Hello."):
        assert confidence not in caplog.text


def test_an_error_that_nobody_expects_does_not_quote_what_was_written(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(database)
    recording = world.upload()
    with database.begin() as tx:
        tx.execute(text(f"ALTER TABLE recordings ADD CONSTRAINT odd CHECK (notes <> '{MARK}')"))
    address = f"/api/v1/recordings/{recording.id}/notes"
    answer = Door(world).put(address, world.ann, json={"notes": MARK})
    assert answer.status_code == 500
    assert "CheckViolation" in caplog.text
    assert MARK not in answer.text + caplog.text
