"""Brings a database to the newest schema with alembic; safe to run from several processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from shared.db.database import Database

# Any number will do, as long as every release uses the same one.
_LOCK = 7_254_031_119


def config() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return settings


def migrate(database: Database) -> None:
    """Runs the migrations that are missing, under a lock that ends with the transaction."""
    settings = config()
    with database.begin() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        settings.attributes["connection"] = tx
        command.upgrade(settings, "head")
