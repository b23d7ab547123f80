"""Users and API tokens."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import api_tokens, users
from shared.domain.accounts import User


def ensure_user(tx: Connection, username: str, *, is_admin: bool) -> User:
    """The user of that name, made if new; an existing user is promoted but never demoted."""
    statement = upsert(users).values(username=username, is_admin=is_admin)
    statement = statement.on_conflict_do_update(
        index_elements=[users.c.username], set_={"is_admin": or_(users.c.is_admin, statement.excluded.is_admin)}
    ).returning(users.c.id, users.c.username, users.c.is_admin)
    return User(*tx.execute(statement).one())


def add_token(tx: Connection, user_id: int, name: str, token_hash: str, expires_at: datetime | None) -> None:
    tx.execute(insert(api_tokens).values(user_id=user_id, name=name, token_hash=token_hash, expires_at=expires_at))


def user_by_token_hash(tx: Connection, token_hash: str, now: datetime) -> tuple[int, User] | None:
    """The token's id and its owner, unless it has expired."""
    row = tx.execute(
        select(api_tokens.c.id, users.c.id, users.c.username, users.c.is_admin)
        .join(users, users.c.id == api_tokens.c.user_id)
        .where(api_tokens.c.token_hash == token_hash)
        .where(or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now))
    ).one_or_none()
    return None if row is None else (row[0], User(*row[1:]))


def touch_token(tx: Connection, token_id: int) -> None:
    """Notes the use of a token, at most once a minute: reads should not write."""
    stale = or_(
        api_tokens.c.last_used_at.is_(None),
        api_tokens.c.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1),
    )
    tx.execute(update(api_tokens).where(api_tokens.c.id == token_id, stale).values(last_used_at=func.now()))


def user_by_id(tx: Connection, user_id: int) -> User:
    row = tx.execute(select(users.c.id, users.c.username, users.c.is_admin).where(users.c.id == user_id)).one()
    return User(*row)
