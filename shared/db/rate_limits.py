"""How many requests of each class a caller has made in the current window: one upsert per request."""

from datetime import datetime

from sqlalchemy import Connection, case, delete
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import rate_limits
from shared.domain.rate_limits import WINDOW, Kind, Standing


def count(tx: Connection, caller: str, kind: Kind, now: datetime) -> Standing:
    """Counts one request. A window begins with the first request after the last one was over."""
    statement = upsert(rate_limits).values(caller=caller, kind=kind, since=now, count=1)
    over = rate_limits.c.since <= now - WINDOW
    statement = statement.on_conflict_do_update(
        index_elements=[rate_limits.c.caller, rate_limits.c.kind],
        set_={
            "since": case((over, now), else_=rate_limits.c.since),
            "count": case((over, 1), else_=rate_limits.c.count + 1),
        },
    ).returning(rate_limits.c.since, rate_limits.c.count)
    since, counted = tx.execute(statement).one()
    return Standing(kind, since, counted)


def prune(tx: Connection, now: datetime) -> None:
    """Forgets windows that are over."""
    tx.execute(delete(rate_limits).where(rate_limits.c.since <= now - WINDOW))
