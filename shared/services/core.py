"""What a use case works with. `shared.wiring` builds one Core per process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.db.database import Database
from shared.domain.limits import Limits
from shared.domain.transcripts import AudioInfo
from shared.ports import JobLauncher, Kicks, LiveUpdates, ObjectStore, TaskTokens


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Core:
    """`callback_url` is where workers reach the reports of a job: it ends in `/` and the job's id follows.

    `probe` opens a media file and says what it is (raising Invalid); None where no media library is at hand: then
    the worker finds out.
    """

    db: Database
    objects: ObjectStore
    launcher: JobLauncher
    kicks: Kicks
    live: LiveUpdates
    task_tokens: TaskTokens
    callback_url: str
    probe: Callable[[str], AudioInfo] | None = None
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = _now
