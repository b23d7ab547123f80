"""Brings a database to the newest schema with alembic; safe to run from several processes at once.

A revision says `step = "pre"` when the code before it works on its schema, too: it runs before a deploy. One that takes
away what the old code needs says `step = "post"`, and runs after it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from shared.db.database import Database, Transaction

# Any number will do, as long as every release uses the same one.
_LOCK = 7_254_031_119


def config() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return settings


def migrate(database: Database, *, only_pre: bool = False) -> str:
    """Runs the migrations that are missing, under a lock that ends with the transaction; returns the revision.

    `only_pre` stops before the first one that the running code could not live with.
    """
    settings = config()
    with database.begin() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        target = _last_pre(settings, tx) if only_pre else "head"
        if target is not None:
            settings.attributes["connection"] = tx
            command.upgrade(settings, target)
        return MigrationContext.configure(tx).get_current_revision() or ""


def _last_pre(settings: Config, tx: Transaction) -> str | None:
    """The last revision before the first missing one that has to wait; None if none can run now."""
    scripts = ScriptDirectory.from_config(settings)
    current = MigrationContext.configure(tx).get_current_revision()
    target = None
    for revision in reversed(list(scripts.iterate_revisions("head", current or "base"))):
        if revision.module.step == "post":
            break
        target = revision.revision
    return target
