"""Bringing recordings over from another server: each in one transaction, with a note of where it came from.

An import may be killed anywhere and run again: what has its note is not looked at twice, and audio without a row goes
away by itself, as that of an upload that broke off does. What has been deleted here since stays deleted.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.db import accounts, events, imports, jobs, recordings, segments, uploads
from shared.db.database import Database, Transaction
from shared.domain import events as kinds
from shared.domain.errors import Conflict, Invalid, NotFound, Unavailable
from shared.domain.imports import BrokenOff, Foreign, Kind, Label, Listed, Outcome, Person, Source, Step, cast
from shared.domain.jobs import JobStatus
from shared.domain.recordings import TITLE_LENGTH, RecordingStatus, clean_filename, media_type
from shared.domain.tasks import TranscribeOptions
from shared.ports import ObjectStore
from shared.services.accounts import check_username
from shared.services.ingest import audio_key

#: How often a file is begun anew when the line breaks, and after how many failures in a row there is no going on.
_TRIES = 3
_FAILURES = 5
_UNFINISHED = "It is still being worked on over there; the next run takes it."


@dataclass(frozen=True, slots=True)
class Target:
    """Where things are brought to: the database and the audio of this installation, whether or not it serves now."""

    db: Database
    objects: ObjectStore
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the other server holds."""

    tags: Sequence[Label]
    folders: Sequence[Label]
    speakers: Sequence[Person]
    recordings: Sequence[Listed]


@dataclass(frozen=True, slots=True)
class _Audio:
    uuid: UUID
    key: str
    size: int
    sha256: str | None


def look(source: Source) -> Survey:
    """Reads the lists of the other server. Raises what `Source` says."""
    return Survey(source.tags(), source.folders(), source.speakers(), source.recordings())


def ensure_owner(db: Database, username: str, *, is_admin: bool = False) -> int:
    """The id of the user who is to own what comes; made if new. Raises Invalid for what is no name."""
    check_username(username)
    with db.begin() as tx:
        return accounts.ensure_user(tx, username, is_admin=is_admin).id


def preview(db: Database, source: Source, survey: Survey, username: str) -> Iterator[Step]:
    """What `bring` would do, without doing it."""
    with db.begin() as tx:
        owner = accounts.by_name(tx, username)
        known = {kind: {} if owner is None else imports.known(tx, owner.id, source.name, kind) for kind in Kind}
    for kind, things in _labelled(survey):
        for each in things:
            yield _step(kind, each.name, each.id in known[kind])
    for each in survey.recordings:
        if each.ready or each.id in known[Kind.RECORDING]:
            yield _step(Kind.RECORDING, each.title, each.id in known[Kind.RECORDING])
        else:
            yield Step(Kind.RECORDING, each.title, Outcome.LEFT, _UNFINISHED)


def _step(kind: Kind, name: str, there: bool) -> Step:
    return Step(kind, name, Outcome.THERE if there else Outcome.BROUGHT)


def _labelled(survey: Survey) -> Sequence[tuple[Kind, Sequence[Label | Person]]]:
    return (Kind.TAG, survey.tags), (Kind.FOLDER, survey.folders), (Kind.SPEAKER, survey.speakers)


def bring(target: Target, source: Source, user_id: int, survey: Survey) -> Iterator[Step]:
    """Brings everything over, one step after the other.

    What fails alone is left out and told. Raises Unauthenticated, RateLimited, and Unavailable when the database or
    the other server does not answer any more.
    """
    for kind, things in _labelled(survey):
        yield from _bring_labels(target, source, user_id, kind, things)
    with target.db.begin() as tx:
        known = imports.known(tx, user_id, source.name, Kind.RECORDING)
    failures = 0
    for listed in survey.recordings:
        step, failed = _bring_listed(target, source, user_id, listed, listed.id in known)
        yield step
        failures = failures + 1 if failed else 0
        if failures == _FAILURES:
            raise Unavailable(f"{_FAILURES} recordings in a row could not be had. Run the import again later.")


def _bring_labels(
    target: Target, source: Source, user_id: int, kind: Kind, things: Sequence[Label | Person]
) -> Iterator[Step]:
    with target.db.begin() as tx:
        known = imports.known(tx, user_id, source.name, kind)
    for each in things:
        if each.id in known:
            yield Step(kind, each.name, Outcome.THERE)
            continue
        with target.db.begin() as tx:
            _add_label(tx, source, user_id, kind, each)
        of_group = isinstance(each, Label) and each.of_group
        note = f"It is a group's over there; here the {kind} is personal." if of_group else ""
        yield Step(kind, each.name, Outcome.BROUGHT, note)


def _add_label(tx: Transaction, source: Source, user_id: int, kind: Kind, thing: Label | Person) -> int:
    if isinstance(thing, Person):
        own_id = imports.ensure_speaker(tx, user_id, thing)
    else:
        own_id = imports.ensure_label(tx, user_id, kind, thing)
    imports.note(tx, user_id, source.name, kind, thing.id, own_id)
    return own_id


def _bring_listed(
    target: Target,
    source: Source,
    user_id: int,
    listed: Listed,
    there: bool,
) -> tuple[Step, bool]:
    """What became of it, and whether that is the fault of a server that does not answer."""
    if there:
        return Step(Kind.RECORDING, listed.title, Outcome.THERE), False
    if not listed.ready:
        return Step(Kind.RECORDING, listed.title, Outcome.LEFT, _UNFINISHED), False
    try:
        return _bring_recording(target, source, user_id, listed), False
    except (Unavailable, Invalid, NotFound) as error:
        return Step(Kind.RECORDING, listed.title, Outcome.LEFT, str(error)), isinstance(error, Unavailable)


def _bring_recording(target: Target, source: Source, user_id: int, listed: Listed) -> Step:
    foreign = source.recording(listed.id)
    audio = _fetch(target, source, foreign)
    try:
        with target.db.begin() as tx:
            # First: a server that starts and does not know the audio waits here, or has deleted it already.
            uploads.keep_object(tx, audio.key)
            _check_stored(target, audio)
            _add(target, source, user_id, foreign, audio, tx)
    except Conflict as error:
        target.objects.delete(audio.key)
        return Step(Kind.RECORDING, listed.title, Outcome.THERE, str(error))
    except Unavailable:
        # It may have been committed before the database went away: the bytes stay until the sweep knows.
        raise
    except BaseException:
        target.objects.delete(audio.key)
        raise
    return Step(Kind.RECORDING, listed.title, Outcome.BROUGHT, "" if audio.sha256 else "Its audio is gone over there.")


def _fetch(target: Target, source: Source, foreign: Foreign) -> _Audio:
    """Stores the audio, if it is still there. What no row comes to know goes away by itself. Raises Unavailable."""
    uuid = uuid4()
    key = audio_key(uuid)
    if not foreign.audio_available:
        return _Audio(uuid, key, foreign.file_size, None)
    with target.db.begin() as tx:
        uploads.delete_object_later(tx, key, target.now() + timedelta(days=1))
    for left in reversed(range(_TRIES)):
        try:
            return _stored(target, source, foreign.id, uuid)
        except NotFound:
            break
        except BrokenOff:
            if not left:
                raise
    return _Audio(uuid, key, foreign.file_size, None)


def _stored(target: Target, source: Source, recording_id: int, uuid: UUID) -> _Audio:
    digest, size, key = hashlib.sha256(), 0, audio_key(uuid)
    with source.audio(recording_id) as blocks:
        writer = target.objects.create(key)
        try:
            for block in blocks:
                digest.update(block)
                size += len(block)
                writer.write(block)
        except BaseException:
            writer.abort()
            raise
        writer.commit()
    return _Audio(uuid, key, size, digest.hexdigest())


def _check_stored(target: Target, audio: _Audio) -> None:
    """A server that starts meanwhile clears away audio that no row knows yet."""
    if audio.sha256 is not None and target.objects.size(audio.key) != audio.size:
        raise Unavailable("Its audio was cleared away by a server that has just started; the next run takes it.")


def _add(target: Target, source: Source, user_id: int, foreign: Foreign, audio: _Audio, tx: Transaction) -> None:
    """Raises Conflict when another import has brought it meanwhile."""
    folder = _own(tx, source, user_id, Kind.FOLDER, [foreign.folder] if foreign.folder else [])
    tags = _own(tx, source, user_id, Kind.TAG, foreign.tags)
    where = {"folder_id": folder[0] if folder else None}
    recording_id = recordings.add(tx, user_id=user_id, **_columns(target, foreign, audio), **where)
    if not imports.note(tx, user_id, source.name, Kind.RECORDING, foreign.id, recording_id):
        raise Conflict("Another import has brought it meanwhile.")
    imports.add_tags(tx, recording_id, tags)
    imports.add_appointments(tx, recording_id, foreign.appointments)
    _add_transcript(target, user_id, recording_id, foreign, tx)


def _own(tx: Transaction, source: Source, user_id: int, kind: Kind, labels: Sequence[Label]) -> list[int]:
    """Our tags or folders for theirs, but for those that have been deleted here."""
    if not labels:
        return []
    known = imports.known(tx, user_id, source.name, kind)
    # One that the lists over there did not show, such as that of a group which its user has left, comes with its name.
    ids = [known.get(each.id) or _add_label(tx, source, user_id, kind, each) for each in labels]
    there = imports.holding(tx, kind, ids)
    return [each for each in dict.fromkeys(ids) if each in there]


def _columns(target: Target, foreign: Foreign, audio: _Audio) -> dict[str, Any]:
    now = target.now()
    filename = clean_filename(foreign.filename or f"recording-{foreign.id}")
    placeholder = f"Recording - {filename}"
    return {
        "uuid": audio.uuid,
        "title": (foreign.title or placeholder)[:TITLE_LENGTH],
        "title_given": bool(foreign.title) and foreign.title != placeholder,
        "status": foreign.status,
        "error_message": foreign.error_message,
        "original_filename": filename,
        "mime_type": media_type(foreign.mime_type, filename),
        "file_size": audio.size,
        "sha256": audio.sha256,
        "audio_key": audio.key,
        "audio_deleted_at": None if audio.sha256 else now,
        "audio_duration": foreign.audio_duration,
        "language": foreign.language,
        "model": foreign.model,
        "meeting_date": foreign.meeting_date,
        "is_inbox": foreign.is_inbox,
        "is_highlighted": foreign.is_highlighted,
        "deletion_exempt": foreign.deletion_exempt,
        "notes": foreign.notes,
        "summary": foreign.summary,
        "summary_parts": foreign.summary_parts,
        "summary_model": foreign.summary_model,
        "transcription_seconds": foreign.transcription_seconds,
        "summarization_seconds": foreign.summarization_seconds,
        "created_at": foreign.created_at or now,
        "completed_at": foreign.completed_at,
    }


def _add_transcript(target: Target, user_id: int, recording_id: int, foreign: Foreign, tx: Transaction) -> None:
    """The job that would have made it here, with its segments, and who speaks in them."""
    now = target.now()
    spoken, people = cast(foreign.spoken or (), foreign.participants)
    seq = events.append(tx, recording_id, _story(foreign))
    options = TranscribeOptions(language=foreign.language)
    job_id = jobs.add(tx, recording_id, user_id, options, first_seq=seq, not_before=now)
    failed = foreign.status is RecordingStatus.FAILED and foreign.spoken is None
    jobs.change(
        tx,
        job_id,
        status=JobStatus.FAILED if failed else JobStatus.COMPLETED,
        model=foreign.model,
        progress=0 if failed else 100,
        error_message=foreign.error_message if failed else None,
        finished_at=foreign.completed_at or now,
    )
    if foreign.spoken is not None:
        segments.add(tx, recording_id, job_id, spoken)
        recordings.change(tx, recording_id, transcript_job_id=job_id)
    names = imports.speaker_ids(tx, user_id, [each.name for each in people])
    imports.add_participants(tx, recording_id, people, names)


def _story(foreign: Foreign) -> list[tuple[str, dict[str, Any]]]:
    """What the log says of it: that it came, and how it ended."""
    created = {"title": foreign.title or "", "original_filename": foreign.filename or ""}
    if foreign.status is RecordingStatus.FAILED:
        end = (kinds.FAILED, {"reason": foreign.error_message or "", "percent": 0})
    else:
        end = (kinds.COMPLETED, {"percent": 100, "slices": 1, "warnings": []})
    return [(kinds.RECORDING_CREATED, created), end]
