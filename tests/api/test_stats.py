"""Statistics: the numbers of dashboards, counted for one user or for all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from shared.db.database import Database
from shared.db.tables import usage, users
from shared.dialects.speakr.stats import human
from shared.domain.accounts import Caller
from shared.domain.recordings import RecordingStatus
from shared.services import recordings, stats
from tests.support.door import Door
from tests.support.shelf import counted, shelve
from tests.support.world import World

NOON = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def door(database: Database) -> Door:
    world = World(database)
    world.clock.time = NOON
    return Door(world)


def got(door: Door, caller: Caller | None = None, scope: str = "user") -> dict[str, Any]:
    response = door.get(f"/api/v1/stats?scope={scope}", caller or door.world.ann)
    assert response.status_code == 200, response.text
    return response.json()


def set_user(world: World, caller: Caller, **values: Any) -> None:
    with world.db.begin() as tx:
        tx.execute(update(users).where(users.c.id == caller.user_id).values(**values))


def use(world: World, caller: Caller, day: datetime, seconds: float, tokens: int) -> None:
    values = {"user_id": caller.user_id, "day": day.date(), "transcription_seconds": seconds, "tokens": tokens}
    with world.db.begin() as tx:
        tx.execute(insert(usage).values(**values))


def test_the_statistics_of_nothing_are_zeros(door: Door) -> None:
    assert got(door) == {
        "recordings": {"total": 0, "completed": 0, "processing": 0, "pending": 0, "failed": 0},
        "storage": {"used_bytes": 0, "used_human": "0.0 B"},
        "queue": {"jobs_queued": 0, "jobs_processing": 0},
        "tokens": {"used_this_month": 0, "budget": None, "percentage": None},
        "transcription": {
            "used_this_month_seconds": 0,
            "used_this_month_minutes": 0,
            "budget_seconds": None,
            "budget_minutes": None,
            "percentage": None,
            "estimated_cost": 0.0,
        },
        "activity": {"recordings_today": 0, "last_transcription": None},
    }


def test_recordings_are_counted_by_what_clients_call_their_states(door: Door) -> None:
    for status in RecordingStatus:
        shelve(door.world, status=status)
    shelve(door.world, status=RecordingStatus.COMPLETED)
    shelve(door.world, door.world.user("bob"))
    numbers = {"total": 6, "completed": 2, "processing": 2, "pending": 1, "failed": 1}
    assert got(door)["recordings"] == numbers


def test_storage_counts_audio_that_is_there(door: Door) -> None:
    shelve(door.world, file_size=1536)
    shelve(door.world, file_size=10**6, audio_deleted_at=NOON)
    gone = shelve(door.world, file_size=10**6)
    recordings.delete(door.world.core, door.world.ann, gone)
    assert got(door)["storage"] == {"used_bytes": 1536, "used_human": "1.5 KB"}


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0.0 B"), (1023, "1023.0 B"), (1024, "1.0 KB"), (5 * 2**30, "5.0 GB"), (2**60, "1024.0 PB")],
)
def test_bytes_are_told_as_people_read_them(size: int, shown: str) -> None:
    assert human(size) == shown


def test_the_queue_is_that_of_the_user(door: Door) -> None:
    door.world.launched()
    door.world.upload()
    door.world.upload(door.world.user("bob"))
    assert got(door)["queue"] == {"jobs_queued": 1, "jobs_processing": 1}


def test_usage_is_that_of_this_month_against_the_budget(door: Door) -> None:
    ann = door.world.ann
    set_user(door.world, ann, monthly_token_budget=1_000_000, monthly_transcription_seconds=36_000)
    use(door.world, ann, NOON - timedelta(days=1), 3_000.5, 440_000)
    use(door.world, ann, NOON, 599.5, 10_000)
    use(door.world, ann, NOON - timedelta(days=30), 9_999, 9_999)
    found = got(door)
    assert found["tokens"] == {"used_this_month": 450_000, "budget": 1_000_000, "percentage": 45.0}
    assert found["transcription"] == {
        "used_this_month_seconds": 3600,
        "used_this_month_minutes": 60,
        "budget_seconds": 36_000,
        "budget_minutes": 600,
        "percentage": 10.0,
        "estimated_cost": 0.36,
    }


def test_minutes_are_rounded_down(door: Door) -> None:
    set_user(door.world, door.world.ann, monthly_transcription_seconds=119)
    use(door.world, door.world.ann, NOON, 119.9, 0)
    found = got(door)["transcription"]
    assert (found["used_this_month_minutes"], found["budget_minutes"]) == (1, 1)
    assert found["estimated_cost"] == 0.012


def test_today_begins_at_midnight_and_the_last_transcription_is_the_newest(door: Door) -> None:
    midnight = NOON.replace(hour=0)
    shelve(door.world, created_at=midnight, completed_at=midnight + timedelta(hours=1))
    shelve(door.world, created_at=midnight - timedelta(seconds=1), completed_at=midnight + timedelta(hours=2))
    shelve(door.world, status=RecordingStatus.FAILED, completed_at=NOON)
    activity = got(door)["activity"]
    assert activity == {"recordings_today": 2, "last_transcription": "2026-03-15T02:00:00Z"}


def test_an_administrator_sees_all_users_together(door: Door) -> None:
    world = door.world
    bob, cid = world.user("bob"), world.user("cid")
    set_user(world, bob, is_admin=True, monthly_token_budget=5)
    shelve(world, file_size=100)
    shelve(world, cid, file_size=20, created_at=NOON - timedelta(days=31))
    use(world, world.ann, NOON, 60, 1)
    use(world, cid, NOON, 60, 2)
    found = got(door, bob, "all")
    assert found["recordings"]["total"] == 2
    assert found["storage"]["used_bytes"] == 120
    assert found["tokens"] == {"used_this_month": 3, "budget": None, "percentage": None}
    assert found["transcription"]["used_this_month_minutes"] == 2
    assert found["users"] == {"total": 3, "active": 1}
    assert got(door, bob)["recordings"]["total"] == 0


def test_only_administrators_see_all_users(door: Door) -> None:
    refused = door.get("/api/v1/stats?scope=all", door.world.ann)
    assert refused.status_code == 403
    assert set(refused.json()) == {"error"}


@pytest.mark.parametrize("scope", ["global", "", "ALL", "user\x00", "users"])
def test_another_scope_is_none(door: Door, scope: str) -> None:
    refused = door.get("/api/v1/stats", door.world.ann, params={"scope": scope})
    assert refused.status_code == 400
    assert set(refused.json()) == {"error"}


def test_statistics_are_four_statements_at_most(door: Door) -> None:
    admin = replace(door.world.ann, is_admin=True)
    for everybody in (False, True):
        with counted(door.world.db) as statements:
            stats.get(door.world.core, admin, everybody=everybody)
        assert len(statements) <= 4
