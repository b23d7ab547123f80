"""The world in which use cases are tested."""

import pytest

from shared.db.database import Database
from tests.support.world import World


@pytest.fixture
def world(database: Database) -> World:
    return World(database)
