"""What has to be looked after when nobody calls: lost kicks, dead workers, abandoned uploads, silent watchers."""

from shared.domain.errors import HansardError
from shared.services import attempts, broadcast, uploads
from shared.services.core import Core


def sweep(core: Core) -> None:
    """Called about once a minute, or oftener; two at once do no harm. Raises the first error, after all have run."""
    problems = []
    for each in (attempts.sweep, uploads.sweep, broadcast.sweep):
        try:
            each(core)
        except HansardError as error:
            problems.append(error)
    if problems:
        raise problems[0]
