"""Watching a recording: its present state, and its event log from any point on."""

from dataclasses import dataclass
from uuid import UUID

from shared.db import events, jobs, recordings
from shared.domain import events as kinds
from shared.domain.accounts import Caller
from shared.domain.events import Event
from shared.domain.jobs import OPEN, JobKind
from shared.domain.recordings import Recording
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found

BATCH = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """A recording as somebody begins to watch it.

    `begins_after` is the number of the event before its latest transcription, `final_seq` that of the end of its latest
    job: people may have edited it since. While a job is at work the end is still to come.
    """

    recording: Recording
    begins_after: int
    final_seq: int
    at_work: bool


def watch(core: Core, caller: Caller, uuid: UUID) -> Watched:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        recording = found(recordings.by_uuid(tx, uuid), "recording")
        access.check(caller, Action.READ, recording)
        latest = jobs.latest(tx, recording.id)
        transcription = jobs.latest(tx, recording.id, JobKind.TRANSCRIBE)
        at_work = latest is not None and latest.status in OPEN
        begins_after = transcription.first_seq - 1 if transcription is not None else 0
        final_seq = recording.last_seq if at_work else events.last_of(tx, recording.id, kinds.FINAL)
        return Watched(recording, begins_after, final_seq, at_work)


@dataclass(frozen=True, slots=True)
class News:
    """What a watcher has not seen yet. `recording` is None when it has been deleted; `progress` is 0..100.

    `final_seq` is the number of the event that ended the latest job, where there is nothing else to tell.
    """

    events: list[Event]
    recording: Recording | None
    at_work: bool
    progress: int
    final_seq: int = 0


def news(core: Core, recording_id: int, seq: int) -> News:
    """The next events after `seq`, at most BATCH of them; the caller has been checked by `watch`."""
    with core.db.begin() as tx:
        # The state first: events that come between the two reads are then read as well.
        recording = recordings.by_id(tx, recording_id)
        job = jobs.latest(tx, recording_id)
        at_work, progress = (job.status in OPEN, job.progress) if job is not None else (False, 0)
        found = events.after(tx, recording_id, seq, limit=BATCH)
        final_seq = 0 if found or at_work else events.last_of(tx, recording_id, kinds.FINAL)
        return News(found, recording, at_work, progress, final_seq)
