"""Recordings that have been kept long enough: all of them goes, or their audio."""

import contextlib
import logging

from shared.db import recordings as rows
from shared.db import retention, uploads
from shared.db.database import Transaction
from shared.db.retention import Due
from shared.domain.errors import Conflict, NotFound, Unavailable
from shared.domain.policy import RetentionMode
from shared.domain.recordings import Recording
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import recordings_updated
from shared.services.recordings import erase

logger = logging.getLogger("hansard.retention")

#: Batches in one sweep: the next sweep goes on.
_BATCHES = 5


def sweep(core: Core) -> None:
    """Two at once do no harm. Raises the first error, after all others have had their turn."""
    if not core.policy.auto_deletion:
        return
    problem: Unavailable | None = None
    after: Due | None = None
    for _ in range(_BATCHES):
        with core.db.begin() as tx:
            batch = retention.due(tx, core.now(), core.policy.retention_days, after)
        for each in batch:
            try:
                _end(core, each.id)
            except Unavailable as error:
                problem = problem or error
        if not batch:
            break
        after = batch[-1]
    if problem is not None:
        raise problem


def _end(core: Core, recording_id: int) -> None:
    # Gone already, or somebody has protected it meanwhile.
    with contextlib.suppress(NotFound, Conflict):
        if core.policy.retention_mode is RetentionMode.AUDIO:
            _drop_audio(core, recording_id)
        else:
            erase(core, recording_id, lambda tx, recording: _check_due(core, tx, recording))
        logger.info("recording %s has been kept long enough (%s)", recording_id, core.policy.retention_mode)


def _check_due(core: Core, tx: Transaction, recording: Recording) -> None:
    """Once more, as it is now that the recording is locked."""
    if not retention.is_due(tx, recording.id, core.now(), core.policy.retention_days):
        raise Conflict("The recording is to be kept.")


def _drop_audio(core: Core, recording_id: int) -> None:
    with core.db.begin() as tx:
        recording = found(rows.by_id(tx, recording_id, lock=True), "recording")
        _check_due(core, tx, recording)
        rows.change(tx, recording_id, audio_deleted_at=core.now())
        uploads.delete_object_later(tx, recording.audio_key, core.now())
        recordings_updated(core, tx, recording.user_id, {recording_id: recording.title}, ["audio_available"])
    # If it cannot go now, the sweep sees to it.
    with contextlib.suppress(Unavailable):
        core.objects.delete(recording.audio_key)
