"""What users use per day, and their monthly budgets. Days and months are those of UTC."""

from collections.abc import Collection
from datetime import UTC, date, datetime

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import usage, users
from shared.domain.usage import Budget, Usage


def add(tx: Connection, user_id: int, now: datetime, *, seconds: float = 0.0, tokens: int = 0) -> None:
    """Counts towards the day of `now`."""
    if not seconds and not tokens:
        return
    new = upsert(usage).values(
        user_id=user_id, day=now.astimezone(UTC).date(), transcription_seconds=seconds, tokens=tokens
    )
    added = {
        "transcription_seconds": usage.c.transcription_seconds + new.excluded.transcription_seconds,
        "tokens": usage.c.tokens + new.excluded.tokens,
    }
    tx.execute(new.on_conflict_do_update(index_elements=[usage.c.user_id, usage.c.day], set_=added))


def of_month(tx: Connection, user_id: int | None, now: datetime) -> Usage:
    """What a user (None: everybody) has used in the month of `now`."""
    statement = select(
        func.coalesce(func.sum(usage.c.transcription_seconds), 0.0), func.coalesce(func.sum(usage.c.tokens), 0)
    ).where(usage.c.day >= _first_of_month(now))
    if user_id is not None:
        statement = statement.where(usage.c.user_id == user_id)
    seconds, tokens = tx.execute(statement).one()
    return Usage(float(seconds), int(tokens))


def budgets(tx: Connection, user_ids: Collection[int], now: datetime) -> dict[int, Budget]:
    """The budgets of those of these users who have any."""
    of_this_month = and_(usage.c.user_id == users.c.id, usage.c.day >= _first_of_month(now))
    has_budget = or_(users.c.monthly_transcription_seconds.is_not(None), users.c.monthly_token_budget.is_not(None))
    rows = tx.execute(
        select(
            users.c.id,
            users.c.monthly_transcription_seconds,
            users.c.monthly_token_budget,
            func.coalesce(func.sum(usage.c.transcription_seconds), 0.0),
            func.coalesce(func.sum(usage.c.tokens), 0),
        )
        .outerjoin(usage, of_this_month)
        .where(users.c.id.in_(user_ids), has_budget)
        .group_by(users.c.id)
    )
    return {
        user_id: Budget(seconds, tokens, Usage(float(used_seconds), int(used_tokens)))
        for user_id, seconds, tokens, used_seconds, used_tokens in rows
    }


def _first_of_month(now: datetime) -> date:
    return now.astimezone(UTC).date().replace(day=1)
