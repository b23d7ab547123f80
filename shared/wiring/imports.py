"""What an import needs of this installation: its database and its audio, whether or not its server runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.folder_store import FolderStore
from shared.adapters.s3_store import S3Store
from shared.adapters.speakr_client import SpeakrClient
from shared.db.database import Database
from shared.domain.errors import Invalid
from shared.ports import ObjectStore
from shared.services.imports import Target
from shared.wiring.local import database, is_store_of
from shared.wiring.settings import Settings

__all__ = ["SpeakrClient", "target"]


@contextmanager
def target(settings: Settings) -> Iterator[Target]:
    """Raises Unavailable, and Invalid when the audio in the data folder is not that of the database."""
    with database(settings) as db:
        yield Target(db, _store(settings, db))


def _store(settings: Settings, db: Database) -> ObjectStore:
    if settings.bucket:
        return S3Store(settings.bucket)
    folder = settings.data_dir / "objects"
    # Nobody asks this one for addresses, so it has none to sign.
    store = FolderStore(folder, "", b"")
    if not is_store_of(folder / "database", db):
        raise Invalid(f"{folder} holds the audio of another database. Give the folder of this one with --data.")
    return store
