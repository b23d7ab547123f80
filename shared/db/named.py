"""What rows of tags and folders have in common: names of their own within a user or a group, and who sees them."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, RowMapping, Table, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from shared.db.tables import group_members
from shared.domain.defaults import Defaults
from shared.domain.errors import NotFound

_UNIQUE_VIOLATION = "23505"
_LAST_ID = 2**63 - 1


def possible(ids: Iterable[int]) -> list[int]:
    """Those that can be the id of a row at all, each once."""
    return [each for each in dict.fromkeys(ids) if 0 < each <= _LAST_ID]


def visible(table: Table, user_id: int) -> ColumnElement[bool]:
    """Personal ones of the user, and those of the user's groups."""
    groups = select(group_members.c.group_id).where(group_members.c.user_id == user_id)
    return or_(and_(table.c.group_id.is_(None), table.c.user_id == user_id), table.c.group_id.in_(groups))


def order(table: Table) -> tuple[ColumnElement[Any], ...]:
    """Personal ones by name, then those of groups by name."""
    return (table.c.group_id.is_not(None), func.lower(table.c.name), table.c.name, table.c.id)


def defaults(row: RowMapping) -> Defaults:
    return Defaults(**{each.name: row[each.name] for each in fields(Defaults)})


def add(tx: Connection, table: Table, values: dict[str, Any]) -> int | None:
    """The id of the new row; None where the name is taken."""
    added = _unless_taken(tx, insert(table).values(**values).returning(table.c.id))
    return None if added is None else added.scalar_one()


def change(tx: Connection, table: Table, row_id: int, values: dict[str, Any]) -> bool:
    """False where the name is taken."""
    return not values or _unless_taken(tx, update(table).where(table.c.id == row_id).values(**values)) is not None


def _unless_taken(tx: Connection, statement: Executable) -> Any:
    try:
        # What fails inside of a savepoint leaves the transaction as it was.
        with tx.begin_nested():
            return tx.execute(statement)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION:
            return None
        raise NotFound("The group does not exist any more.") from error
