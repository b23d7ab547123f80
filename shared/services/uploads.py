"""Uploads that go straight to the object store: begun, sent in parts, resumed, finished, and made a recording.

The id of an upload is the uuid of its recording, so one upload never becomes two. Every step may be repeated, and may
come from the client, from the store ("the object is there") or from the sweep, in any order.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from shared.db import accounts, recordings, uploads
from shared.domain.accounts import Caller
from shared.domain.errors import Conflict, HansardError, Invalid, NotFound, TooLarge
from shared.domain.recordings import CopyRef, Recording, clean_filename, media_type
from shared.domain.uploads import MAX_PARTS, PART_BYTES, UPLOAD_MEMORY, Part, Upload, UploadStatus
from shared.services import access
from shared.services.core import Core
from shared.services.ingest import NewRecording, StoredUpload, check_new, check_scope, take_in
from shared.wire import from_plain, to_plain

logger = logging.getLogger("hansard.uploads")

#: How long an upload may take, and how long one address holds. (A Lambda's own credentials do not live much longer.)
UPLOAD_TIME = timedelta(hours=24)
URL_SECONDS = 3600
#: The store says when an object is there; the sweep looks at this interval, should that get lost.
_CHECK_INTERVAL = timedelta(minutes=5)
#: So many addresses at once: an answer stays small.
_ADDRESSES = 100


@dataclass(frozen=True, slots=True)
class Address:
    """Where one part goes: bytes `offset` to `offset + size`.

    `url` is None for a part that is there, and for those whose turn is later: ask again for them.
    """

    part: Part
    offset: int
    received: bool
    url: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an upload stands; `recording` once there is one."""

    upload: Upload
    addresses: Sequence[Address]
    recording: Recording | None


def begin(
    core: Core,
    caller: Caller,
    *,
    filename: str,
    content_type: str,
    size: int,
    sha256: str | None,
    recording: NewRecording | None,
) -> Progress:
    """Opens an upload of exactly `size` bytes. With `recording`, that is made as soon as the bytes are there.

    Raises Invalid for what is no recording, TooLarge.
    """
    check_scope(caller)
    filename = clean_filename(filename)
    _check_size(core, size)
    kind = _checked_type(content_type, filename)
    wanted = to_plain(check_new(core, recording)) if recording is not None else None
    upload_id = uuid4()
    key = f"uploads/{upload_id}"
    # A crash before the row is there leaves an upload without parts: the store forgets it by itself.
    reference = core.objects.begin_parts(key, content_type=kind) if size > PART_BYTES else None
    now = core.now()
    with core.db.begin() as tx:
        upload = uploads.add(
            tx,
            id=upload_id,
            user_id=caller.user_id,
            key=key,
            reference=reference,
            filename=filename,
            content_type=kind,
            size=size,
            part_size=max(PART_BYTES, -(-size // MAX_PARTS)),
            sha256=sha256,
            recording=wanted,
            created_at=now,
            check_at=now + _CHECK_INTERVAL,
            expires_at=now + UPLOAD_TIME,
        )
    return Progress(upload, _addresses(core, upload, set()), None)


def _check_size(core: Core, size: int) -> None:
    if size <= 0:
        raise Invalid("The file is empty.")
    if size > core.limits.upload_bytes:
        raise TooLarge(f"The file is larger than the {core.limits.upload_bytes / 1024 / 1024:g} MB that are taken.")


def _checked_type(content_type: str, filename: str) -> str:
    kind = media_type(content_type.partition(";")[0].strip(), filename)
    said = content_type.lower()
    if kind == "application/octet-stream" and said not in ("", kind, "application/ogg", "application/mp4"):
        raise Invalid(f"{content_type} is neither audio nor video.")
    return kind


def progress(core: Core, caller: Caller, upload_id: UUID) -> Progress:
    """What is there and what is missing, with fresh addresses. Raises NotFound, Forbidden."""
    with core.db.begin() as tx:
        upload = _allowed(uploads.by_id(tx, upload_id), caller)
        recording = recordings.by_uuid(tx, upload_id)
    if upload.status is not UploadStatus.OPEN:
        there = {part.number for part in upload.plan} if upload.status is not UploadStatus.ABORTED else set()
        return Progress(upload, _addresses(core, upload, there), recording)
    return Progress(upload, _addresses(core, upload, _received(core, upload)), recording)


def _received(core: Core, upload: Upload) -> set[int]:
    """The numbers of the parts that are there in full. Raises NotFound when the store knows no such upload in parts."""
    plan = {part.number: part.size for part in upload.plan}
    if upload.reference is None:
        return set(plan) if core.objects.size(upload.key) == upload.size else set()
    try:
        parts = core.objects.parts(upload.key, upload.reference)
    except NotFound:
        # Joined already, by somebody who has not said so yet, or has died over it.
        if core.objects.size(upload.key) != upload.size:
            raise
        return set(plan)
    return {part.number for part in parts if plan.get(part.number) == part.size}


def _addresses(core: Core, upload: Upload, there: set[int]) -> list[Address]:
    open_ = upload.status is UploadStatus.OPEN
    missing = [part.number for part in upload.plan if part.number not in there][:_ADDRESSES] if open_ else []
    addressed = set(missing)
    return [
        Address(
            part,
            (part.number - 1) * upload.part_size,
            part.number in there,
            _url(core, upload, part) if part.number in addressed else None,
        )
        for part in upload.plan
    ]


def _url(core: Core, upload: Upload, part: Part) -> str:
    if upload.reference is None:
        return core.objects.upload_url(
            upload.key, content_type=upload.content_type, size=part.size, seconds=URL_SECONDS
        )
    return core.objects.part_url(upload.key, upload.reference, part.number, size=part.size, seconds=URL_SECONDS)


def complete(core: Core, caller: Caller, upload_id: UUID) -> Progress:
    """Makes the parts one object, and the recording that was asked for. Raises Conflict while parts are missing."""
    with core.db.begin() as tx:
        upload = _allowed(uploads.by_id(tx, upload_id), caller)
    _finish(core, upload)
    return progress(core, caller, upload_id)


def abort(core: Core, caller: Caller, upload_id: UUID) -> None:
    """Drops an upload with all that was sent. Raises Conflict when a recording has been made of it."""
    with core.db.begin() as tx:
        _allowed(uploads.by_id(tx, upload_id), caller)
    if not _give_up(core, upload_id, "Aborted."):
        raise Conflict("A recording has been made of this upload; delete that.")


def use(core: Core, caller: Caller, upload_id: UUID, new: NewRecording) -> tuple[Recording, Sequence[CopyRef]]:
    """A recording of an upload, as `ingest.create` makes it; the same one when it has been made already."""
    with core.db.begin() as tx:
        upload = _allowed(uploads.by_id(tx, upload_id), caller)
    if upload.status is UploadStatus.ABORTED:
        raise Conflict(upload.error_message or "The upload was aborted.")
    # Before anything is finished: a title that is too long must not cost the person an hour of sending.
    new = check_new(core, new)
    _assemble(core, upload)
    return _create(core, caller, upload, new)


def arrived(core: Core, key: str) -> None:
    """The store says that an object is there. Raises NotFound for one that no upload knows (yet)."""
    with core.db.begin() as tx:
        upload = uploads.by_key(tx, key)
    if upload is None:
        raise NotFound("No upload has this key.")
    if upload.status is UploadStatus.ABORTED:
        # It was still on its way when the upload was given up.
        core.objects.delete(key)
        return
    try:
        _finish(core, upload)
    except (Invalid, TooLarge, Conflict) as error:
        # Nobody is there to hear it; the upload's page says why.
        logger.info("upload %s: %s", upload.id, error)


def _finish(core: Core, upload: Upload) -> None:
    if upload.status is UploadStatus.ABORTED:
        raise Conflict(upload.error_message or "The upload was aborted.")
    if upload.status is UploadStatus.USED:
        return
    _assemble(core, upload)
    if upload.recording is not None:
        with core.db.begin() as tx:
            owner = accounts.user_by_id(tx, upload.user_id)
        caller = Caller(owner.id, owner.username, owner.is_admin)
        _create(core, caller, upload, from_plain(NewRecording, upload.recording))


def _assemble(core: Core, upload: Upload) -> None:
    """After this the object is there, whole. Raises Conflict while it is not."""
    if upload.status is not UploadStatus.OPEN:
        return
    if upload.reference is not None:
        _join_parts(core, upload, upload.reference)
    if core.objects.size(upload.key) != upload.size:
        raise Conflict("The file is not there yet.")
    with core.db.begin() as tx:
        current = uploads.by_id(tx, upload.id, lock=True)
        if current is not None and current.status is UploadStatus.OPEN:
            uploads.change(tx, upload.id, status=UploadStatus.COMPLETE)


def _join_parts(core: Core, upload: Upload, reference: str) -> None:
    try:
        received = _received(core, upload)
        if len(received) < len(upload.plan):
            raise Conflict(f"{len(received)} of {len(upload.plan)} parts are there.")
        core.objects.finish_parts(upload.key, reference)
    except NotFound:
        # Somebody else has joined them; the size of the object will tell.
        pass


def _create(core: Core, caller: Caller, upload: Upload, new: NewRecording) -> tuple[Recording, Sequence[CopyRef]]:
    stored = StoredUpload(upload.id, upload.key, upload.size, upload.sha256, upload.filename, upload.content_type)
    try:
        return take_in(core, caller, stored, new)
    except (Invalid, TooLarge) as error:
        _give_up(core, upload.id, str(error))
        raise


def sweep(core: Core) -> None:
    """Finishes what a lost message left, gives up what nobody finishes, and deletes objects that are due."""
    with core.db.begin() as tx:
        due = uploads.due(tx, core.now())
    for upload in due:
        try:
            _look_at(core, upload)
        except HansardError as error:
            logger.warning("upload %s: %s", upload.id, error)
    with core.db.begin() as tx:
        for key in uploads.objects_to_delete(tx, core.now()):
            core.objects.delete(key)
            uploads.keep_object(tx, key)


def _look_at(core: Core, upload: Upload) -> None:
    if upload.status in (UploadStatus.USED, UploadStatus.ABORTED):
        _drop(core, upload)
        with core.db.begin() as tx:
            uploads.remove(tx, upload.id)
        return
    with core.db.begin() as tx:
        uploads.change(tx, upload.id, check_at=min(core.now() + _CHECK_INTERVAL, upload.expires_at + _CHECK_INTERVAL))
    if upload.recording is not None or upload.reference is None:
        try:
            _finish(core, upload)
        except (Conflict, Invalid, TooLarge) as error:
            logger.debug("upload %s: %s", upload.id, error)
    if core.now() >= upload.expires_at:
        _give_up(core, upload.id, "The upload was not finished in time.")


def _give_up(core: Core, upload_id: UUID, reason: str) -> bool:
    """Ends an upload and drops its bytes. False when a recording has been made of it."""
    with core.db.begin() as tx:
        upload = uploads.by_id(tx, upload_id, lock=True)
        if upload is None or upload.status is UploadStatus.USED:
            return False
        remember = core.now() + UPLOAD_MEMORY
        uploads.change(tx, upload_id, status=UploadStatus.ABORTED, error_message=reason, check_at=remember)
        uploads.delete_object_later(tx, upload.key, core.now())
    _drop(core, upload)
    return True


def _drop(core: Core, upload: Upload) -> None:
    """What a crash leaves undone here, the sweep does when it forgets the upload."""
    if upload.reference is not None:
        core.objects.abort_parts(upload.key, upload.reference)
    if upload.status is not UploadStatus.USED:
        core.objects.delete(upload.key)


def _allowed(upload: Upload | None, caller: Caller) -> Upload:
    """Raises NotFound, then Forbidden."""
    if upload is None:
        raise NotFound("There is no such upload.")
    access.check_upload(caller, upload)
    return upload
