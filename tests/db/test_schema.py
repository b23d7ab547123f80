"""The migrations, and what the schema promises."""

import subprocess
import sys

import pytest
from sqlalchemy import text

from shared.db import installation, migrations, recordings
from shared.db.database import Database
from shared.db.tables import metadata
from shared.domain.errors import Invalid, Unavailable
from tests.support.server import ROOT
from tests.support.world import World


def is_current(database: Database) -> bool:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(migrations.config()).get_current_head()
    with database.begin() as tx:
        return MigrationContext.configure(tx).get_current_revision() == newest


def test_the_tables_are_what_the_migrations_leave(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.begin() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert is_current(database)
    migrations.migrate(database)
    assert is_current(database)


def test_the_schema_can_be_taken_back_and_made_again(database: Database) -> None:
    from alembic import command

    settings = migrations.config()
    with database.begin() as tx:
        settings.attributes["connection"] = tx
        command.downgrade(settings, "base")
        command.upgrade(settings, "head")
    assert is_current(database)


def test_processes_that_migrate_at_once_do_not_disturb_each_other(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    code = (
        "import sys; from shared.db.database import Database; from shared.db.migrations import migrate;"
        "sys.stdin.read(); migrate(Database(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, database.url]
    running = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    assert [process.returncode for process in running] == [0] * 3
    assert is_current(database)


def test_ids_are_never_used_again(database: Database) -> None:
    world = World(database)
    seen = []
    for _ in range(3):
        recording = world.upload()
        seen.append(recording.id)
        with database.begin() as tx:
            recordings.remove(tx, recording.id)
    assert seen == sorted(set(seen))


def test_a_recording_has_at_most_one_open_job(database: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    world = World(database)
    recording = world.upload()
    with pytest.raises(IntegrityError), database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO jobs (recording_id, user_id, status, options, first_seq)"
                " VALUES (:recording, :user, 'queued', '{}', 1)"
            ),
            {"recording": recording.id, "user": recording.user_id},
        )


def test_a_database_keeps_its_name_until_it_is_made_anew(database: Database) -> None:
    from alembic import command

    settings = migrations.config()
    with database.begin() as tx:
        first = installation.name(tx)
    migrations.migrate(database)
    with database.begin() as tx:
        assert installation.name(tx) == first
        settings.attributes["connection"] = tx
        command.downgrade(settings, "base")
        command.upgrade(settings, "head")
        assert installation.name(tx) != first


@pytest.mark.parametrize("url", ["mysql://host/name", "nonsense", ""])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        Database(url)


def test_the_short_form_of_the_address_is_understood(database: Database) -> None:
    short = Database(database.url.replace("postgresql://", "postgres://"))
    short.ping()
    short.close()


def test_a_database_that_is_not_there_is_unavailable() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        nowhere.ping()


def test_a_connection_that_was_closed_is_replaced(database: Database) -> None:
    with pytest.raises(Unavailable), database.begin() as lost:
        number = lost.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with database.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        lost.execute(text("SELECT 1"))
    database.ping()
