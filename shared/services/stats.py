"""Dashboards: how much there is, how much is waiting, how much of a budget is used."""

from datetime import timedelta

from shared.db import stats, usage
from shared.domain.accounts import Caller, Scope
from shared.domain.stats import QueueEntry, Stats
from shared.services import access
from shared.services.core import Core

_SHOWN_AFTER_THE_END = timedelta(hours=1)
_MOST_JOBS = 500


def get(core: Core, caller: Caller, *, everybody: bool = False) -> Stats:
    """Of the caller, or of everybody. Raises Forbidden when everybody's are not the caller's to see."""
    access.need(caller, Scope.READ)
    if everybody:
        access.check_site_admin(caller)
    user_id = None if everybody else caller.user_id
    now = core.now()
    with core.db.begin() as tx:
        counts, stored_bytes = stats.stored(tx, user_id)
        queued, running = stats.queue(tx, user_id)
        used = usage.of_month(tx, user_id, now)
        people = stats.people(tx, user_id, now)
    cost = round(used.seconds / 3600 * core.policy.cost_per_hour, 4)
    return Stats(counts, stored_bytes, queued, running, used, people, cost, everybody)


def queue(core: Core, caller: Caller) -> list[QueueEntry]:
    """The caller's jobs that are open or have ended within the last hour, newest first."""
    access.need(caller, Scope.READ)
    with core.db.begin() as tx:
        return stats.recent_jobs(tx, caller.user_id, core.now() - _SHOWN_AFTER_THE_END, limit=_MOST_JOBS)
