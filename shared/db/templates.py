"""Transcript templates of users."""

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from shared.db.tables import transcript_templates as table
from shared.domain.templates import Template

_COLUMNS = (
    table.c.id,
    table.c.name,
    table.c.template,
    table.c.description,
    table.c.is_default,
    table.c.created_at,
    table.c.updated_at,
)


def _template(row: RowMapping) -> Template:
    return Template(**row)


def of_user(tx: Connection, user_id: int) -> list[Template]:
    """By name."""
    rows = tx.execute(select(*_COLUMNS).where(table.c.user_id == user_id).order_by(table.c.name, table.c.id))
    return [_template(row) for row in rows.mappings()]


def default(tx: Connection, user_id: int) -> str | None:
    return tx.execute(
        select(table.c.template).where(table.c.user_id == user_id, table.c.is_default)
    ).scalar_one_or_none()


def by_id(tx: Connection, user_id: int, template_id: int) -> Template | None:
    statement = select(*_COLUMNS).where(table.c.id == template_id, table.c.user_id == user_id)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _template(row)


def taken(tx: Connection, user_id: int, name: str) -> int | None:
    """The id of the user's template of that name."""
    statement = select(table.c.id).where(table.c.user_id == user_id, table.c.name == name)
    return tx.execute(statement).scalar_one_or_none()


def unset_default(tx: Connection, user_id: int) -> None:
    tx.execute(update(table).where(table.c.user_id == user_id, table.c.is_default).values(is_default=False))


def add(tx: Connection, user_id: int, **values: Any) -> Template:
    statement = insert(table).values(user_id=user_id, **values).returning(*_COLUMNS)
    return _template(tx.execute(statement).mappings().one())


def change(tx: Connection, template_id: int, **values: Any) -> Template:
    statement = update(table).where(table.c.id == template_id).values(**values).returning(*_COLUMNS)
    return _template(tx.execute(statement).mappings().one())


def remove(tx: Connection, user_id: int, template_id: int) -> bool:
    """False when the user has no such template."""
    return tx.execute(delete(table).where(table.c.id == template_id, table.c.user_id == user_id)).rowcount > 0
