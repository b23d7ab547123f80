"""Folders, and which recordings are in them."""

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from shared.db import named
from shared.db.recordings import owned
from shared.db.tables import folders, group_members, groups, recordings
from shared.domain.folders import Folder

_COLUMNS = (
    *folders.c,
    select(groups.c.name).where(groups.c.id == folders.c.group_id).scalar_subquery().label("group_name"),
    select(func.count())
    .select_from(recordings)
    .where(recordings.c.folder_id == folders.c.id)
    .scalar_subquery()
    .label("recording_count"),
)


def _folder(row: RowMapping) -> Folder:
    return Folder(
        id=row["id"],
        user_id=row["user_id"],
        group_id=row["group_id"],
        group_name=row["group_name"],
        name=row["name"],
        color=row["color"],
        defaults=named.defaults(row),
        protect_from_deletion=row["protect_from_deletion"],
        retention_days=row["retention_days"],
        auto_share_on_apply=row["auto_share_on_apply"],
        share_with_group_lead=row["share_with_group_lead"],
        created_at=row["created_at"],
        recording_count=row["recording_count"],
    )


def all_of(tx: Connection, user_id: int) -> list[Folder]:
    """Every folder the user may use: personal ones by name, then those of groups by name."""
    statement = select(*_COLUMNS).where(named.visible(folders, user_id)).order_by(*named.order(folders))
    return [_folder(row) for row in tx.execute(statement).mappings()]


def by_id(tx: Connection, folder_id: int, *, lock: bool = False) -> Folder | None:
    if not named.possible([folder_id]):
        return None
    statement = select(*_COLUMNS).where(folders.c.id == folder_id)
    row = tx.execute(statement.with_for_update(of=folders) if lock else statement).mappings().one_or_none()
    return None if row is None else _folder(row)


def usable(tx: Connection, user_id: int, folder_id: int) -> Folder | None:
    """The folder if the user may use it. It stays until the commit."""
    if not named.possible([folder_id]):
        return None
    statement = select(*_COLUMNS).where(folders.c.id == folder_id, named.visible(folders, user_id))
    row = tx.execute(statement.with_for_update(read=True, key_share=True, of=folders)).mappings().one_or_none()
    return None if row is None else _folder(row)


def add(tx: Connection, **values: Any) -> Folder | None:
    """None where the name is taken."""
    folder_id = named.add(tx, folders, values)
    return None if folder_id is None else by_id(tx, folder_id)


def change(tx: Connection, folder_id: int, values: dict[str, Any]) -> bool:
    """False where the name is taken."""
    return named.change(tx, folders, folder_id, values)


def recordings_in(tx: Connection, folder_id: int, *, lock: bool = False) -> dict[int, tuple[int, str]]:
    """Their owners and titles by id. They are locked before the folder itself: so does whoever moves one."""
    return owned(tx, recordings.c.folder_id == folder_id, lock=lock)


def remove(tx: Connection, folder_id: int) -> None:
    """Its recordings are in no folder then."""
    tx.execute(delete(folders).where(folders.c.id == folder_id))


def expel(tx: Connection, folder_id: int, *, user_id: int, group_id: int | None) -> set[int]:
    """Takes recordings out whose owners no longer see the folder: all but the user's, or the group's members'.

    Their ids.
    """
    if group_id is None:
        outside = recordings.c.user_id != user_id
    else:
        members = select(group_members.c.user_id).where(group_members.c.group_id == group_id)
        outside = recordings.c.user_id.not_in(members)
    statement = update(recordings).where(recordings.c.folder_id == folder_id, outside).values(folder_id=None)
    return set(tx.execute(statement.returning(recordings.c.id)).scalars())
