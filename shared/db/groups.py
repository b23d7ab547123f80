"""Groups, who belongs to them, and what is to be looked after when a group or a member goes."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import folders, group_members, groups, recording_tags, recordings, tags, users
from shared.domain.accounts import Group, Role


def add(tx: Connection, name: str) -> Group | None:
    """None when the name is taken."""
    statement = upsert(groups).values(name=name).on_conflict_do_nothing().returning(groups.c.id, groups.c.name)
    row = tx.execute(statement).one_or_none()
    return None if row is None else Group(*row)


def by_name(tx: Connection, name: str) -> Group | None:
    row = tx.execute(select(groups.c.id, groups.c.name).where(groups.c.name == name)).one_or_none()
    return None if row is None else Group(*row)


def members(tx: Connection) -> dict[Group, dict[str, Role]]:
    """All groups by name, each with the roles of its members by their names."""
    rows = tx.execute(
        select(groups.c.id, groups.c.name, users.c.username, group_members.c.role)
        .select_from(groups.outerjoin(group_members).outerjoin(users))
        .order_by(groups.c.name, users.c.username)
    )
    found: dict[Group, dict[str, Role]] = {}
    for group_id, name, username, role in rows:
        belonging = found.setdefault(Group(group_id, name), {})
        if username is not None:
            belonging[username] = Role(role)
    return found


def join(tx: Connection, group_id: int, user_id: int, role: Role) -> None:
    """Makes the user a member in that role; a member who is one already changes roles."""
    statement = upsert(group_members).values(group_id=group_id, user_id=user_id, role=role)
    changed = {"role": statement.excluded.role}
    tx.execute(statement.on_conflict_do_update(index_elements=["group_id", "user_id"], set_=changed))


def leave(tx: Connection, group_id: int, user_id: int) -> bool:
    """False when the user is no member."""
    mine = (group_members.c.group_id == group_id, group_members.c.user_id == user_id)
    return tx.execute(delete(group_members).where(*mine)).rowcount > 0


def remove(tx: Connection, group_id: int) -> None:
    """Removes the group and, by cascade, its tags and folders."""
    tx.execute(delete(groups).where(groups.c.id == group_id))


def recordings_sorted_by(tx: Connection, group_id: int) -> Mapping[int, dict[int, str]]:
    """The titles of the recordings that are in a folder of the group or bear a tag of it, by owner and id; locked."""
    return _sorted_by(tx, folders.c.group_id == group_id, tags.c.group_id == group_id)


def others_sorted_by(tx: Connection, user_id: int) -> Mapping[int, dict[int, str]]:
    """The same for the tags and folders that the user has made, and the recordings of others."""
    found = _sorted_by(tx, folders.c.user_id == user_id, tags.c.user_id == user_id)
    return {owner: titles for owner, titles in found.items() if owner != user_id}


def _sorted_by(
    tx: Connection, of_folder: ColumnElement[bool], of_tag: ColumnElement[bool]
) -> Mapping[int, dict[int, str]]:
    foldered = select(folders.c.id).where(of_folder)
    tagged = select(recording_tags.c.recording_id).join(tags, tags.c.id == recording_tags.c.tag_id).where(of_tag)
    rows = tx.execute(
        select(recordings.c.user_id, recordings.c.id, recordings.c.title)
        .where(or_(recordings.c.folder_id.in_(foldered), recordings.c.id.in_(tagged)))
        .order_by(recordings.c.id)
        .with_for_update(of=recordings)
    )
    found: dict[int, dict[int, str]] = {}
    for user_id, recording_id, title in rows:
        found.setdefault(user_id, {})[recording_id] = title
    return found


def hand_over(tx: Connection, user_id: int) -> None:
    """Gives the tags and folders that the user has made for groups to others there, to admins first.

    Where nobody else belongs to a group, they go with the user.
    """
    for table in (tags, folders):
        heir = _heir(table, user_id)
        tx.execute(
            update(table)
            .where(table.c.user_id == user_id, table.c.group_id.is_not(None))
            .values(user_id=func.coalesce(heir, table.c.user_id))
        )


def _heir(table: Table, user_id: int) -> ScalarSelect[int]:
    admins_first = case((group_members.c.role == Role.ADMIN, 0), else_=1)
    return (
        select(group_members.c.user_id)
        .where(group_members.c.group_id == table.c.group_id, group_members.c.user_id != user_id)
        .order_by(admins_first, group_members.c.joined_at, group_members.c.user_id)
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
