"""Uploads on their way, and objects that are to be deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import object_deletions, uploads
from shared.domain.uploads import Upload, UploadStatus

_COLUMNS = (
    uploads.c.id,
    uploads.c.user_id,
    uploads.c.key,
    uploads.c.reference,
    uploads.c.filename,
    uploads.c.content_type,
    uploads.c.size,
    uploads.c.part_size,
    uploads.c.sha256,
    uploads.c.recording,
    uploads.c.status,
    uploads.c.error_message,
    uploads.c.created_at,
    uploads.c.expires_at,
)


def _upload(row: RowMapping) -> Upload:
    return Upload(**{**row, "status": UploadStatus(row["status"])})


def add(tx: Connection, **values: Any) -> Upload:
    return _upload(tx.execute(insert(uploads).values(**values).returning(*_COLUMNS)).mappings().one())


def by_id(tx: Connection, upload_id: UUID, *, lock: bool = False) -> Upload | None:
    statement = select(*_COLUMNS).where(uploads.c.id == upload_id)
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _upload(row)


def by_key(tx: Connection, key: str) -> Upload | None:
    row = tx.execute(select(*_COLUMNS).where(uploads.c.key == key)).mappings().one_or_none()
    return None if row is None else _upload(row)


def change(tx: Connection, upload_id: UUID, **values: Any) -> None:
    tx.execute(update(uploads).where(uploads.c.id == upload_id).values(**values))


def keys(tx: Connection) -> set[str]:
    return set(tx.execute(select(uploads.c.key)).scalars())


def due(tx: Connection, now: datetime, *, limit: int = 100) -> list[Upload]:
    """Uploads that the sweep has to look at."""
    rows = tx.execute(select(*_COLUMNS).where(uploads.c.check_at <= now).order_by(uploads.c.check_at).limit(limit))
    return [_upload(row) for row in rows.mappings()]


def remove(tx: Connection, upload_id: UUID) -> None:
    tx.execute(delete(uploads).where(uploads.c.id == upload_id))


def delete_object_later(tx: Connection, key: str, due_at: datetime) -> None:
    """Unless `keep_object` is called before: what is written first and then forgotten goes away again."""
    statement = upsert(object_deletions).values(key=key, due_at=due_at)
    tx.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={object_deletions.c.due_at: due_at}),
    )


def lock_deletion(tx: Connection, key: str) -> None:
    """Nobody takes it back, or the object away, before the end of this transaction."""
    tx.execute(select(object_deletions.c.key).where(object_deletions.c.key == key).with_for_update())


def keep_object(tx: Connection, key: str) -> None:
    tx.execute(delete(object_deletions).where(object_deletions.c.key == key))


def objects_to_delete(tx: Connection, now: datetime, *, limit: int = 100) -> Sequence[str]:
    """Locks the due ones: two sweeps share the work, and nobody takes one back while it is deleted."""
    rows = tx.execute(
        select(object_deletions.c.key)
        .where(object_deletions.c.due_at <= now)
        .order_by(object_deletions.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.scalars().all()
