"""Taking in a recording: bytes that are in the store become a row, with its transcription queued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from shared.db import accounts, edits, events, folders, jobs, recordings, tags, uploads
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.accounts import Caller, Scope
from shared.domain.defaults import clean_variables
from shared.domain.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from shared.domain.languages import normalize_language
from shared.domain.models import resolve_model
from shared.domain.recordings import (
    CopyRef,
    Recording,
    RecordingStatus,
    check_speaker_bounds,
    clean_filename,
    clean_text,
    clean_title,
    media_type,
)
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import AudioInfo
from shared.domain.uploads import UPLOAD_MEMORY, Brought, UploadStatus
from shared.domain.webhooks import WebhookEvent
from shared.services import access, defaults, idempotency
from shared.services.core import Core
from shared.services.defaults import Surroundings
from shared.services.outbox import announce

#: What an Idempotency-Key is for: only its first upload is read, so nothing of a later one can be told apart.
_PURPOSE = idempotency.purpose("upload")


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
    """What came with the bytes. Tags and a folder that the caller may not use are passed over.

    `tag_id` counts where none of `tag_ids` does. `prompt_variables` are put into the prompts for the summary.
    """

    title: str = ""
    notes: str = ""
    meeting_date: datetime | None = None
    options: TranscribeOptions = field(default_factory=TranscribeOptions)
    tag_ids: tuple[int, ...] = ()
    tag_id: int | None = None
    folder_id: int | None = None
    prompt_variables: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None


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
        prompt_variables=clean_variables(new.prompt_variables),
    )


def check_scope(caller: Caller) -> None:
    """Before the bytes are read. Raises Forbidden when the caller's token is not good for uploads."""
    access.need(caller, Scope.UPLOAD)


def create(core: Core, caller: Caller, upload: StoredUpload, new: NewRecording) -> tuple[Recording, Sequence[CopyRef]]:
    """Takes in an upload and queues its transcription.

    Returns the recording and the caller's other recordings of the same bytes. Whatever goes wrong, the stored bytes
    are gone again. Raises Invalid when they are not a recording, TooLarge when it is too long.
    """
    try:
        recording, copies = take_in(core, caller, upload, new)
    except Unavailable:
        # The commit may have happened before the database went away: the bytes stay until the sweep knows.
        raise
    except BaseException:
        core.objects.delete(upload.key)
        raise
    if recording.audio_key != upload.key:
        # The same Idempotency-Key has made it before, of bytes that came before.
        core.objects.delete(upload.key)
    return recording, copies


def made_before(core: Core, caller: Caller, key: str | None) -> tuple[Recording, Sequence[CopyRef]] | None:
    """What `create` has returned for this Idempotency-Key, as it is now: for a look before the bytes are read.

    Raises Conflict when the recording has been deleted, or the key was used for something else.
    """
    made = idempotency.recall(core, caller, key, _PURPOSE)
    if made is None:
        return None
    with core.db.begin() as tx:
        recording = _kept(recordings.by_id(tx, made))
        return recording, recordings.copies(tx, caller.user_id, recording.sha256, but=recording.id)


def take_in(core: Core, caller: Caller, upload: StoredUpload, new: NewRecording) -> tuple[Recording, Sequence[CopyRef]]:
    """As `create`, but the bytes stay whatever happens. An upload that has its recording already gets the same one."""
    check_scope(caller)
    new = check_new(core, new)
    audio = _probe(core, upload)
    with core.db.begin() as tx:
        made = idempotency.claim(core, tx, caller.user_id, new.idempotency_key, _PURPOSE)
        recording = _made_before(core, upload, tx) if made is None else _kept(recordings.by_id(tx, made))
        if recording is None:
            recording = _add(core, caller, upload, new, audio, tx)
        idempotency.settle(tx, caller.user_id, new.idempotency_key, recording.id)
        copies = recordings.copies(tx, caller.user_id, recording.sha256, but=recording.id)
    core.kicks.kick()
    return recording, copies


def _kept(recording: Recording | None) -> Recording:
    if recording is None:
        raise Conflict("The recording that was made with this Idempotency-Key has been deleted.")
    return recording


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
    around = _surroundings(core, caller, new, tx)
    options = defaults.of_upload(core.policy, new.options, around)
    recording_id = recordings.add(
        tx,
        uuid=upload.uuid,
        user_id=caller.user_id,
        title=new.title or f"Recording - {filename}"[:200],
        title_given=bool(new.title),
        status=RecordingStatus.PENDING,
        original_filename=filename,
        mime_type=media_type(upload.content_type, filename, "audio/mpeg"),
        file_size=upload.size,
        sha256=upload.sha256,
        audio_key=upload.key,
        notes=new.notes or None,
        meeting_date=new.meeting_date or (audio and audio.recorded_at) or core.now(),
        language=options.language,
        folder_id=around.folder.id if around.folder else None,
        prompt_variables=dict(new.prompt_variables),
        **_audio_columns(audio),
    )
    tags.link(tx, [recording_id], [tag.id for tag in around.tags])
    created = (kinds.RECORDING_CREATED, {"title": new.title, "original_filename": filename})
    seq = events.append(tx, recording_id, [created, (kinds.JOB_QUEUED, {"percent": 0})])
    jobs.add(tx, recording_id, caller.user_id, options, first_seq=seq, not_before=core.now())
    uploads.keep_object(tx, upload.key)
    recording = recordings.by_id(tx, recording_id)
    assert recording is not None
    _announce(core, recording, tx)
    return recording


def _surroundings(core: Core, caller: Caller, new: NewRecording, tx: Transaction) -> Surroundings:
    asked = [] if new.tag_id is None else [new.tag_id]
    wants_folder = core.policy.folders and new.folder_id is not None
    return Surroundings(
        preferences=accounts.preferences(tx, caller.user_id),
        tags=tags.usable(tx, caller.user_id, new.tag_ids) or tags.usable(tx, caller.user_id, asked),
        folder=folders.usable(tx, caller.user_id, new.folder_id or 0) if wants_folder else None,
        prompt_variables=new.prompt_variables,
    )


def _announce(core: Core, recording: Recording, tx: Transaction) -> None:
    said = {
        "recording_id": recording.id,
        "title": recording.title,
        "file_size": recording.file_size,
        "original_filename": recording.original_filename,
    }
    announce(core, tx, recording.user_id, WebhookEvent.CREATED, said)


def brought(core: Core, recording: Recording) -> Brought:
    """What the caller that has uploaded a recording is told of it, now or when the same upload comes again.

    Raises NotFound when it has been deleted meanwhile.
    """
    with core.db.begin() as tx:
        found = edits.brought(tx, recording.id)
        if found is None:
            raise NotFound("The recording has been deleted.")
        return Brought(
            notes=found.notes,
            tags=tags.of_recording(tx, recording.id) if recording.tags else [],
            folder=folders.by_id(tx, recording.folder.id) if recording.folder else None,
            options=found.options,
            prompt_variables=found.prompt_variables,
        )


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


def new_upload_place(core: Core) -> tuple[UUID, str]:
    """A fresh recording uuid and the key its audio goes to. What is put there goes away if no recording comes of it."""
    uuid = uuid4()
    key = audio_key(uuid)
    with core.db.begin() as tx:
        uploads.delete_object_later(tx, key, core.now() + timedelta(days=1))
    return uuid, key
