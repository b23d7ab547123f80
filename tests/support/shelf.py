"""Recordings that are simply there: rows without uploads and jobs, for tests of what is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import event, insert

from shared.db import recordings
from shared.db.database import Database
from shared.db.tables import folders, participants, recording_tags, tags
from shared.domain.accounts import Caller
from shared.domain.recordings import RecordingStatus
from tests.support.world import World


def shelve(world: World, caller: Caller | None = None, *, names: tuple[str, ...] = (), **values: Any) -> int:
    """The id of a new recording of the caller with these values of its row, and with these participants."""
    uuid = uuid4()
    row = {
        "uuid": uuid,
        "user_id": (caller or world.ann).user_id,
        "title": "A talk",
        "title_given": True,
        "status": RecordingStatus.COMPLETED,
        "original_filename": "talk.wav",
        "mime_type": "audio/wav",
        "file_size": 5,
        "audio_key": f"audio/{uuid}",
        "created_at": world.clock(),
        **values,
    }
    with world.db.begin() as tx:
        recording_id = recordings.add(tx, **row)
        for name in names:
            tx.execute(insert(participants).values(recording_id=recording_id, name=name))
    return recording_id


def label(world: World, name: str, *recording_ids: int, caller: Caller | None = None) -> int:
    """The id of a new tag, which these recordings bear."""
    values = {"user_id": (caller or world.ann).user_id, "name": name, "color": "#3B82F6"}
    with world.db.begin() as tx:
        tag_id = tx.execute(insert(tags).values(**values).returning(tags.c.id)).scalar_one()
        for recording_id in recording_ids:
            tx.execute(insert(recording_tags).values(recording_id=recording_id, tag_id=tag_id))
    return tag_id


def folder(world: World, name: str, caller: Caller | None = None) -> int:
    values = {"user_id": (caller or world.ann).user_id, "name": name, "color": "#10B981"}
    with world.db.begin() as tx:
        return tx.execute(insert(folders).values(**values).returning(folders.c.id)).scalar_one()


@contextmanager
def counted(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        seen.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
