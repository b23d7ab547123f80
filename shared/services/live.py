"""Watching a recording: its present state, and its event log from any point on."""

from dataclasses import dataclass
from uuid import UUID

from shared.db import events, jobs, recordings
from shared.domain.accounts import Caller
from shared.domain.errors import NotFound
from shared.domain.events import Event
from shared.domain.jobs import OPEN, Job
from shared.domain.recordings import Recording
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core

BATCH = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """A recording as somebody begins to watch it; `job` is its latest run of recognition."""

    recording: Recording
    job: Job | None


def watch(core: Core, caller: Caller, uuid: UUID) -> Watched:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        recording = recordings.by_uuid(tx, uuid)
        if recording is None:
            raise NotFound("There is no such recording.")
        access.check(caller, Action.READ, recording)
        return Watched(recording, jobs.latest(tx, recording.id))


@dataclass(frozen=True, slots=True)
class News:
    """What a watcher has not seen yet. `recording` is None when it has been deleted; `progress` is 0..100."""

    events: list[Event]
    recording: Recording | None
    at_work: bool
    progress: int


def news(core: Core, recording_id: int, seq: int) -> News:
    """The next events after `seq`, at most BATCH of them; the caller has been checked by `watch`."""
    with core.db.begin() as tx:
        # The state first: events that come between the two reads are then read as well.
        recording = recordings.by_id(tx, recording_id)
        job = jobs.latest(tx, recording_id)
        at_work, progress = (job.status in OPEN, job.progress) if job is not None else (False, 0)
        return News(events.after(tx, recording_id, seq, limit=BATCH), recording, at_work, progress)
