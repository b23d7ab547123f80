"""Recordings: take one in, find, list, change nothing by halves, delete all of it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from shared.db import events, jobs, recordings, uploads
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.accounts import Caller
from shared.domain.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from shared.domain.jobs import Job, JobStatus
from shared.domain.languages import normalize_language
from shared.domain.models import resolve_model
from shared.domain.recordings import (
    Listing,
    Recording,
    RecordingStatus,
    SummaryText,
    check_speaker_bounds,
    clean_filename,
    clean_text,
    clean_title,
    media_type,
)
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import AudioInfo
from shared.domain.uploads import UPLOAD_MEMORY, UploadStatus
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """Bytes that are already in the object store, under `key`."""

    uuid: UUID
    key: str
    size: int
    sha256: str | None
    filename: str
    content_type: str


@dataclass(frozen=True, slots=True)
class NewRecording:
    """What came with the bytes."""

    title: str = ""
    notes: str = ""
    meeting_date: datetime | None = None
    options: TranscribeOptions = field(default_factory=TranscribeOptions)


def audio_key(uuid: UUID) -> str:
    return f"audio/{uuid}"


def check_options(core: Core, options: TranscribeOptions) -> TranscribeOptions:
    """The same options in their normal form. Raises Invalid with a sentence that names the wrong value."""
    check_speaker_bounds(options)
    model = (options.model or "").strip() or None
    return replace(
        options,
        language=normalize_language(options.language),
        model=resolve_model(model) if model else None,
        hotwords=clean_text("hotwords", options.hotwords),
        initial_prompt=clean_text("initial_prompt", options.initial_prompt),
        slice_seconds=core.limits.slice_seconds,
    )


def check_new(core: Core, new: NewRecording) -> NewRecording:
    """As `check_options`, for everything that can be judged before the bytes are there."""
    return replace(
        new,
        title=clean_title(new.title),
        notes=clean_text("notes", new.notes) or "",
        options=check_options(core, new.options),
    )


def create(
    core: Core, caller: Caller, upload: StoredUpload, new: NewRecording
) -> tuple[Recording, Sequence[Recording]]:
    """Takes in an upload and queues its transcription.

    Returns the recording and the caller's other recordings of the same bytes. Whatever goes wrong, the stored bytes
    are gone again. Raises Invalid when they are not a recording, TooLarge when it is too long.
    """
    try:
        return take_in(core, caller, upload, new)
    except Unavailable:
        # The commit may have happened before the database went away: the bytes stay until the sweep knows.
        raise
    except BaseException:
        core.objects.delete(upload.key)
        raise


def take_in(
    core: Core, caller: Caller, upload: StoredUpload, new: NewRecording
) -> tuple[Recording, Sequence[Recording]]:
    """As `create`, but the bytes stay whatever happens. An upload that has its recording already gets the same one."""
    new = check_new(core, new)
    audio = _probe(core, upload)
    with core.db.begin() as tx:
        recording = _made_before(core, upload, tx)
        if recording is None:
            recording = _add(core, caller, upload, new, audio, tx)
        copies = recordings.copies(tx, caller.user_id, upload.sha256, but=recording.id)
    core.kicks.kick()
    return recording, copies


def _made_before(core: Core, upload: StoredUpload, tx: Transaction) -> Recording | None:
    """For an upload of several requests, two of which may come here at once. Raises Conflict when it was given up."""
    begun = uploads.by_id(tx, upload.uuid, lock=True)
    if begun is None:
        return None
    if begun.status is UploadStatus.ABORTED:
        raise Conflict(begun.error_message or "The upload was aborted.")
    recording = recordings.by_uuid(tx, upload.uuid)
    if recording is None and begun.status is UploadStatus.USED:
        raise Conflict("The recording that was made of this upload has been deleted.")
    uploads.change(tx, upload.uuid, status=UploadStatus.USED, check_at=core.now() + UPLOAD_MEMORY)
    return recording


def _add(
    core: Core, caller: Caller, upload: StoredUpload, new: NewRecording, audio: AudioInfo | None, tx: Transaction
) -> Recording:
    filename = clean_filename(upload.filename)
    recording_id = recordings.add(
        tx,
        uuid=upload.uuid,
        user_id=caller.user_id,
        title=new.title or f"Recording - {filename}"[:200],
        title_given=bool(new.title),
        status=RecordingStatus.PENDING,
        original_filename=filename,
        mime_type=media_type(upload.content_type, filename),
        file_size=upload.size,
        sha256=upload.sha256,
        audio_key=upload.key,
        notes=new.notes or None,
        meeting_date=new.meeting_date or (audio and audio.recorded_at) or core.now(),
        language=new.options.language,
        **_audio_columns(audio),
    )
    created = (kinds.RECORDING_CREATED, {"title": new.title, "original_filename": filename})
    seq = events.append(tx, recording_id, [created, (kinds.JOB_QUEUED, {"percent": 0})])
    jobs.add(tx, recording_id, caller.user_id, new.options, first_seq=seq, not_before=core.now())
    uploads.keep_object(tx, upload.key)
    return _found(recordings.by_id(tx, recording_id))


def _probe(core: Core, upload: StoredUpload) -> AudioInfo | None:
    if upload.size == 0:
        raise Invalid("The file is empty.")
    if core.probe is None:
        return None
    path = core.objects.path(upload.key)
    audio = core.probe(str(path or core.objects.download_url(upload.key, seconds=600)))
    if audio.duration > core.limits.audio_seconds:
        hours = core.limits.audio_seconds / 3600
        raise TooLarge(f"The recording is longer than the {hours:g} hours that this server takes.")
    return audio


def _audio_columns(audio: AudioInfo | None) -> dict[str, object]:
    if audio is None:
        return {}
    return {
        "audio_duration": audio.duration,
        "audio_codec": audio.codec,
        "sample_rate": audio.sample_rate,
        "channels": audio.channels,
    }


def get(core: Core, caller: Caller, recording_id: int) -> Recording:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        recording = _found(recordings.by_id(tx, recording_id))
    access.check(caller, Action.READ, recording)
    return recording


def texts(core: Core, caller: Caller, recording_id: int) -> tuple[Recording, str | None, SummaryText]:
    """The recording with its notes and its summary."""
    with core.db.begin() as tx:
        recording = _found(recordings.by_id(tx, recording_id))
        access.check(caller, Action.READ, recording)
        notes, summary = recordings.texts(tx, recording_id)
    return recording, notes, summary


def page(core: Core, listing: Listing) -> tuple[list[Recording], int]:
    """One page of the recordings of `listing.user_id`, and how many there are in all."""
    with core.db.begin() as tx:
        return recordings.page(tx, listing)


def copies(core: Core, caller: Caller, recording: Recording) -> Sequence[Recording]:
    """The caller's other recordings of the same bytes."""
    with core.db.begin() as tx:
        return recordings.copies(tx, caller.user_id, recording.sha256, but=recording.id)


@dataclass(frozen=True, slots=True)
class Status:
    """`queue_position` is 1 for the next in line and None when the recording is not waiting; `progress` is 0..100."""

    recording: Recording
    queue_position: int | None
    progress: int


def status(core: Core, caller: Caller, recording_id: int) -> Status:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        # The job first: if it ends between the two reads, the recording says so.
        job = jobs.open_job(tx, recording_id)
        recording = _found(recordings.by_id(tx, recording_id))
        access.check(caller, Action.READ, recording)
        if recording.status in (RecordingStatus.COMPLETED, RecordingStatus.FAILED):
            return Status(recording, None, 100 if recording.status is RecordingStatus.COMPLETED else 0)
        waiting = job is not None and job.status is JobStatus.QUEUED
        position = jobs.queue_position(tx, job.id) if job is not None and waiting else None
        return Status(recording, position, job.progress if job is not None else 0)


def delete(core: Core, caller: Caller, recording_id: int) -> Recording:
    """Deletes a recording with everything that belongs to it, and stops the work on it."""
    removed = None
    while removed is None:
        removed = _remove(core, caller, recording_id)
    recording, job = removed
    if job is not None and job.launch_reference:
        core.launcher.cancel(job.launch_reference)
    core.live.changed(recording_id)
    # The row is gone, so nobody can ask for the bytes; if they cannot go now, the sweep sees to it.
    with contextlib.suppress(Unavailable):
        core.objects.delete(recording.audio_key)
    return recording


def _remove(core: Core, caller: Caller, recording_id: int) -> tuple[Recording, Job | None] | None:
    """Removes the rows. None when a job came up meanwhile: its lock has to be taken before that of the recording."""
    with core.db.begin() as tx:
        locked = jobs.lock_all(tx, recording_id)
        recording = _found(recordings.by_id(tx, recording_id, lock=True))
        access.check(caller, Action.DELETE, recording)
        if not jobs.ids(tx, recording_id) <= locked:
            return None
        job = jobs.open_job(tx, recording_id)
        recordings.remove(tx, recording_id)
        uploads.delete_object_later(tx, recording.audio_key, core.now())
        return recording, job


def remove_orphans(core: Core) -> int:
    """Deletes stored audio that no row knows: what a crash between two steps left. Only while nobody uploads."""
    stored = core.objects.keys()
    with core.db.begin() as tx:
        known = recordings.audio_keys(tx) | uploads.keys(tx)
    orphans = [key for key in stored if key not in known]
    for key in orphans:
        core.objects.delete(key)
    return len(orphans)


def new_upload_place(core: Core) -> tuple[UUID, str]:
    """A fresh recording uuid and the key its audio goes to. What is put there goes away if no recording comes of it."""
    uuid = uuid4()
    key = audio_key(uuid)
    with core.db.begin() as tx:
        uploads.delete_object_later(tx, key, core.now() + timedelta(days=1))
    return uuid, key


def _found(recording: Recording | None) -> Recording:
    if recording is None:
        raise NotFound("There is no such recording.")
    return recording
