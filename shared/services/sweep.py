"""What has to be looked after when nobody calls: lost kicks, dead workers, abandoned uploads, silent watchers."""

from shared.db import idempotency, rate_limits, recording_counts
from shared.domain.errors import HansardError
from shared.services import attempts, broadcast, deliveries, retention, uploads
from shared.services.core import Core


def sweep(core: Core) -> None:
    """Called about once a minute, or oftener; two at once do no harm. Raises the first error, after all have run."""
    problems = []
    for each in (attempts.sweep, uploads.sweep, broadcast.sweep, deliveries.sweep, retention.sweep, _tidy):
        try:
            each(core)
        except HansardError as error:
            problems.append(error)
    if problems:
        raise problems[0]


def _tidy(core: Core) -> None:
    """What only takes up room."""
    with core.db.begin() as tx:
        rate_limits.prune(tx, core.now())
        idempotency.prune(tx, core.now())
        recording_counts.compact_counts(tx)
