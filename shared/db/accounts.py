"""Users, who they are to the doors, and API tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import api_tokens, group_members, groups, recordings, uploads, users
from shared.domain.accounts import (
    ALL_SCOPES,
    ApiToken,
    Caller,
    Group,
    LabellingThreshold,
    Membership,
    Preferences,
    Profile,
    Role,
    Scope,
    User,
)

#: Reads should not write: the use of a token is noted at most this often.
_TOUCH_INTERVAL = timedelta(minutes=1)

_roles = (
    select(func.json_agg(func.json_build_array(group_members.c.group_id, group_members.c.role)))
    .where(group_members.c.user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
)
_memberships = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(groups.c.id, groups.c.name, group_members.c.role, group_members.c.joined_at),
                groups.c.name,
            )
        )
    )
    .join_from(group_members, groups, groups.c.id == group_members.c.group_id)
    .where(group_members.c.user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
)
_WHO = (users.c.id, users.c.username, users.c.is_admin, _roles.label("roles"))
_PROFILE = (
    users.c.id,
    users.c.username,
    users.c.is_admin,
    users.c.is_active,
    users.c.email,
    users.c.name,
    users.c.job_title,
    users.c.company,
    users.c.issuer,
    users.c.preferences,
    users.c.monthly_token_budget,
    users.c.monthly_transcription_seconds,
    users.c.created_at,
    _memberships.label("memberships"),
)
_TOKEN = (
    api_tokens.c.id,
    api_tokens.c.name,
    api_tokens.c.scopes,
    api_tokens.c.created_at,
    api_tokens.c.last_used_at,
    api_tokens.c.expires_at,
)


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that is good, and whose use is to be noted if `stale`."""

    caller: Caller
    stale: bool


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user of an identity provider, and what that has last said of them."""

    caller: Caller
    is_active: bool
    email: str | None
    name: str | None


def _caller(row: Any, scopes: frozenset[Scope] = ALL_SCOPES, token_id: int | None = None) -> Caller:
    roles = {group: Role(role) for group, role in row.roles or ()}
    return Caller(row.id, row.username, row.is_admin, roles, scopes, token_id)


def ensure_user(tx: Connection, username: str, *, is_admin: bool) -> User:
    """The user of that name, made if new; an existing user is promoted but never demoted."""
    statement = upsert(users).values(username=username, is_admin=is_admin)
    statement = statement.on_conflict_do_update(
        index_elements=[users.c.username], set_={"is_admin": or_(users.c.is_admin, statement.excluded.is_admin)}
    ).returning(users.c.id, users.c.username, users.c.is_admin)
    return User(*tx.execute(statement).one())


def user_by_id(tx: Connection, user_id: int) -> User:
    row = tx.execute(select(users.c.id, users.c.username, users.c.is_admin).where(users.c.id == user_id)).one()
    return User(*row)


def roles(tx: Connection, user_id: int) -> dict[int, Role]:
    """By the ids of the user's groups."""
    rows = tx.execute(select(group_members.c.group_id, group_members.c.role).where(group_members.c.user_id == user_id))
    return {row.group_id: Role(row.role) for row in rows}


def lock_user(tx: Connection, user_id: int, *, removing: bool = False) -> None:
    """Who changes something of which a user has only one waits here for others who do.

    `removing`: who makes something new for this user waits, too.
    """
    tx.execute(select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=not removing))


def recording_ids(tx: Connection, user_id: int, *, limit: int) -> list[int]:
    return list(tx.execute(select(recordings.c.id).where(recordings.c.user_id == user_id).limit(limit)).scalars())


def upload_keys(tx: Connection, user_id: int) -> dict[UUID, str]:
    """Where the uploads of a user go, by their ids."""
    rows = tx.execute(select(uploads.c.id, uploads.c.key).where(uploads.c.user_id == user_id))
    return {row.id: row.key for row in rows}


def by_token(tx: Connection, token_hash: str, now: datetime) -> ShownToken | None:
    """The owner of a token with groups and scopes, unless the token has expired or its owner is inactive."""
    row = tx.execute(
        select(*_WHO, api_tokens.c.id.label("token_id"), api_tokens.c.scopes, api_tokens.c.last_used_at)
        .join_from(api_tokens, users, users.c.id == api_tokens.c.user_id)
        .where(api_tokens.c.token_hash == token_hash, users.c.is_active)
        .where(or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now))
    ).one_or_none()
    if row is None:
        return None
    stale = row.last_used_at is None or row.last_used_at <= now - _TOUCH_INTERVAL
    scopes = _scopes(row.scopes)
    return ShownToken(_caller(row, ALL_SCOPES if scopes is None else scopes, row.token_id), stale)


def touch_token(tx: Connection, token_id: int, now: datetime) -> None:
    """Notes the use of a token, unless somebody else has done so meanwhile."""
    stale = or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at <= now - _TOUCH_INTERVAL)
    tx.execute(update(api_tokens).where(api_tokens.c.id == token_id, stale).values(last_used_at=now))


def by_subject(tx: Connection, issuer: str, subject: str) -> KnownUser | None:
    row = tx.execute(
        select(*_WHO, users.c.is_active, users.c.email, users.c.name).where(
            users.c.issuer == issuer, users.c.subject == subject
        )
    ).one_or_none()
    return None if row is None else KnownUser(_caller(row), row.is_active, row.email, row.name)


def add_user(tx: Connection, username: str, **values: Any) -> bool:
    """False when the name is taken, or the issuer's subject has become a user meanwhile."""
    statement = upsert(users).values(username=username, **values).on_conflict_do_nothing().returning(users.c.id)
    return tx.execute(statement).one_or_none() is not None


def change_user(tx: Connection, user_id: int, **values: Any) -> None:
    tx.execute(update(users).where(users.c.id == user_id).values(**values))


def choose(tx: Connection, user_id: int, chosen: Mapping[str, Any]) -> None:
    """Merges `chosen` into the preferences of a user."""
    merged = users.c.preferences.concat(dict(chosen))
    tx.execute(update(users).where(users.c.id == user_id).values(preferences=merged))


def remove_user(tx: Connection, user_id: int) -> None:
    """Removes the user and, by cascade, all that is theirs."""
    tx.execute(delete(users).where(users.c.id == user_id))


def profile(tx: Connection, user_id: int) -> Profile:
    return _profile(tx.execute(select(*_PROFILE).where(users.c.id == user_id)).mappings().one())


def by_name(tx: Connection, username: str) -> Profile | None:
    row = tx.execute(select(*_PROFILE).where(users.c.username == username)).mappings().one_or_none()
    return None if row is None else _profile(row)


def all_profiles(tx: Connection) -> list[Profile]:
    return [_profile(row) for row in tx.execute(select(*_PROFILE).order_by(users.c.username)).mappings()]


def preferences(tx: Connection, user_id: int) -> Preferences:
    return _preferences(tx.execute(select(users.c.preferences).where(users.c.id == user_id)).scalar_one())


def add_token(tx: Connection, user_id: int, token_hash: str, **values: Any) -> ApiToken:
    statement = insert(api_tokens).values(user_id=user_id, token_hash=token_hash, **values).returning(*_TOKEN)
    return _token(tx.execute(statement).mappings().one())


def tokens(tx: Connection, user_id: int) -> list[ApiToken]:
    """Newest first."""
    rows = tx.execute(select(*_TOKEN).where(api_tokens.c.user_id == user_id).order_by(api_tokens.c.id.desc()))
    return [_token(row) for row in rows.mappings()]


def rename_token(tx: Connection, user_id: int, token_id: int, name: str) -> ApiToken | None:
    """None when the user has no such token."""
    statement = update(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.user_id == user_id)
    row = tx.execute(statement.values(name=name).returning(*_TOKEN)).mappings().one_or_none()
    return None if row is None else _token(row)


def remove_token(tx: Connection, user_id: int, token_id: int) -> bool:
    statement = delete(api_tokens).where(api_tokens.c.id == token_id, api_tokens.c.user_id == user_id)
    return tx.execute(statement).rowcount > 0


def _profile(row: RowMapping) -> Profile:
    memberships = tuple(
        Membership(Group(group_id, name), Role(role), datetime.fromisoformat(joined_at))
        for group_id, name, role, joined_at in row["memberships"] or ()
    )
    return Profile(**{**row, "preferences": _preferences(row["preferences"]), "memberships": memberships})


def _preferences(stored: Mapping[str, Any]) -> Preferences:
    chosen = dict(stored)
    if threshold := chosen.pop("auto_speaker_labelling_threshold", None):
        return Preferences(**chosen, auto_speaker_labelling_threshold=LabellingThreshold(threshold))
    return Preferences(**chosen)


def _token(row: RowMapping) -> ApiToken:
    return ApiToken(**{**row, "scopes": _scopes(row["scopes"])})


def _scopes(stored: list[str] | None) -> frozenset[Scope] | None:
    return None if stored is None else frozenset(map(Scope, stored))
