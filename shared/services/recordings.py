"""Recordings: find one, list them, say how far each is, delete all of it."""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import replace

from shared.db import jobs, listings, recordings, uploads
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Forbidden, Unavailable
from shared.domain.jobs import Job
from shared.domain.recordings import Details, Listing, Recording, Standing, SummaryText
from shared.domain.webhooks import WebhookEvent
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import announce

#: Asked in the transaction that removes the recording, which is locked.
Check = Callable[[Transaction, Recording], object]


def get(core: Core, caller: Caller, recording_id: int) -> Recording:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        recording = found(recordings.by_id(tx, recording_id), "recording")
    access.check(caller, Action.READ, recording)
    return recording


def texts(core: Core, caller: Caller, recording_id: int) -> tuple[Recording, str | None, SummaryText]:
    """The recording with its notes and its summary."""
    with core.db.begin() as tx:
        recording = found(recordings.by_id(tx, recording_id), "recording")
        access.check(caller, Action.READ, recording)
        notes, summary = recordings.texts(tx, recording_id)
    return recording, notes, summary


def details(core: Core, caller: Caller, recording_id: int, texts: Collection[str] = ()) -> Details:
    """The recording with what hangs on it, and with those of TEXTS that `texts` names. Raises NotFound, Forbidden."""
    with core.db.begin() as tx:
        read = found(recordings.details(tx, recording_id, texts), "recording")
    access.check(caller, Action.READ, read.recording)
    return read


def page(core: Core, caller: Caller, listing: Listing) -> tuple[list[Recording], int]:
    """One page of the recordings of `listing.user_id`, and how many there are in all."""
    access.need(caller, Scope.READ)
    if not core.policy.folders:
        listing = replace(listing, folder_id=None)
    with core.db.begin() as tx:
        return listings.page(tx, listing)


def status(core: Core, caller: Caller, recording_id: int) -> Standing:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        standing = found(recordings.standing(tx, recording_id), "recording")
    access.check(caller, Action.READ, standing)
    return standing


def delete(core: Core, caller: Caller, recording_id: int) -> Recording:
    """Deletes a recording with everything that belongs to it, and stops the work on it. Raises NotFound, Forbidden."""
    check_deletion(core, caller)
    return erase(core, recording_id, lambda _, recording: access.check(caller, Action.DELETE, recording))


def check_deletion(core: Core, caller: Caller) -> None:
    """Raises Forbidden where the operator leaves deletions to administrators."""
    if not core.policy.users_can_delete and not caller.is_admin:
        raise Forbidden("On this server only administrators may delete recordings.")


def erase(core: Core, recording_id: int, check: Check) -> Recording:
    """The one way in which a recording ends. `check` raises if it must not. Raises NotFound."""
    removed = None
    while removed is None:
        removed = _remove(core, recording_id, check)
    recording, job = removed
    if job is not None and job.launch_reference:
        core.launcher.cancel(job.launch_reference)
    core.live.changed(recording_id)
    # The row is gone, so nobody can ask for the bytes; if they cannot go now, the sweep sees to it.
    with contextlib.suppress(Unavailable):
        core.objects.delete(recording.audio_key)
    return recording


def _remove(core: Core, recording_id: int, check: Check) -> tuple[Recording, Job | None] | None:
    """Removes the rows. None when a job came up meanwhile: its lock has to be taken before that of the recording."""
    with core.db.begin() as tx:
        locked = jobs.lock_all(tx, recording_id)
        recording = found(recordings.by_id(tx, recording_id, lock=True), "recording")
        check(tx, recording)
        if not jobs.ids(tx, recording_id) <= locked:
            return None
        job = jobs.open_job(tx, recording_id)
        recordings.remove(tx, recording_id)
        uploads.delete_object_later(tx, recording.audio_key, core.now())
        said = {"recording_id": recording_id, "title": recording.title}
        announce(core, tx, recording.user_id, WebhookEvent.DELETED, said)
        return recording, job


def remove_orphans(core: Core) -> int:
    """Deletes stored audio that no row knows: what a crash between two steps left. Only while nobody uploads."""
    stored = core.objects.keys()
    with core.db.begin() as tx:
        known = recordings.audio_keys(tx) | uploads.keys(tx)
    return sum(_remove_orphan(core, key) for key in stored if key not in known)


def _remove_orphan(core: Core, key: str) -> bool:
    """False when a recording has been made of it meanwhile."""
    with core.db.begin() as tx:
        # Whoever makes one takes this row away with it, and one of the two waits here for the other.
        uploads.lock_deletion(tx, key)
        if recordings.has_audio_key(tx, key) or uploads.by_key(tx, key) is not None:
            return False
        core.objects.delete(key)
        uploads.keep_object(tx, key)
        return True
