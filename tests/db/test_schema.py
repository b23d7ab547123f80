"""The migrations, and what the schema promises."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from sqlalchemy import text

from shared.db import installation, migrations, recordings
from shared.db.database import Database
from shared.db.tables import metadata
from shared.domain.errors import Invalid, Unavailable
from tests.support.server import ROOT
from tests.support.world import ATTEMPT, World


def is_current(database: Database) -> bool:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(migrations.config()).get_current_head()
    with database.begin() as tx:
        return MigrationContext.configure(tx).get_current_revision() == newest


# SQLAlchemy does not know pgvector's type; what the migrations do with it is tested with the speakers.
@pytest.mark.filterwarnings("ignore:Did not recognize type 'vector'")
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


def test_data_of_the_release_before_comes_along(database: Database) -> None:
    from alembic import command

    world = World(database)
    recording, task = world.launched()
    settings = migrations.config()
    with database.begin() as tx:
        settings.attributes["connection"] = tx
        command.downgrade(settings, "0001")
        watching = "INSERT INTO connections (id, recording_id, user_id, dialect, expires_at)"
        values = {"recording": recording.id, "user": recording.user_id}
        tx.execute(text(f"{watching} VALUES ('x', :recording, :user, 'saled', now())"), values)
    migrations.migrate(database)
    assert world.report(task, *ATTEMPT), "what was launched before the migration goes on after it"
    assert world.recording(recording).sha256 == "0" * 64
    with database.begin() as tx:
        tx.execute(text("UPDATE recordings SET sha256 = NULL"))
        recordings.remove(tx, recording.id)
        settings.attributes["connection"] = tx
        command.downgrade(settings, "0001")
        assert tx.execute(text("SELECT count(*) FROM connections")).scalar_one() == 0


def test_before_a_deploy_only_what_the_old_code_can_live_with_is_migrated(database: Database, tmp_path: Path) -> None:
    steps = {"a": "pre", "b": "pre", "c": "post", "d": "pre"}
    down: str | None = None
    (tmp_path / "versions").mkdir()
    for name, step in steps.items():
        lines = (f'revision = "{name}"', f"down_revision = {down!r}", f'step = "{step}"', "def upgrade(): pass")
        (tmp_path / "versions" / f"{name}.py").write_text("\n".join(lines))
        down = name
    settings = Config()
    settings.set_main_option("script_location", str(tmp_path))
    with database.begin() as tx:
        tx.execute(text("DELETE FROM alembic_version"))
        assert migrations._last_pre(settings, tx) == "b"
        for current, target in (("a", "b"), ("b", None), ("c", "d"), ("d", None)):
            tx.execute(text("DELETE FROM alembic_version"))
            tx.execute(text("INSERT INTO alembic_version VALUES (:current)"), {"current": current})
            assert migrations._last_pre(settings, tx) == target


def test_every_migration_says_when_it_may_run() -> None:
    from alembic.script import ScriptDirectory

    revisions = list(ScriptDirectory.from_config(migrations.config()).walk_revisions())
    assert {revision.module.step for revision in revisions} <= {"pre", "post"}


def test_migrating_before_a_deploy_says_how_far_it_came(database: Database) -> None:
    assert migrations.migrate(database, only_pre=True) == migrations.migrate(database) == "0003"
