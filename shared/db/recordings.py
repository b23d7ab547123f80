"""Rows of recordings, their participants and their summaries. Lists never read text bodies."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array_agg

from shared.db.jobs import places
from shared.db.tables import calendar_events, folders, jobs, participants, recording_tags, recordings, tags
from shared.domain.jobs import OPEN, JobStatus
from shared.domain.recordings import (
    CopyRef,
    Details,
    EventRef,
    FolderRef,
    Recording,
    RecordingStatus,
    SpeakerNames,
    Standing,
    SummaryText,
    TagRef,
)
from shared.domain.transcripts import ActionItem, Topic, speaker_label

_names = (
    select(array_agg(aggregate_order_by(participants.c.name, participants.c.id)))
    .where(participants.c.recording_id == recordings.c.id, participants.c.listed)
    .correlate(recordings)
    .scalar_subquery()
)
_tags = (
    select(
        func.json_agg(
            aggregate_order_by(func.json_build_array(tags.c.id, tags.c.name, tags.c.color), recording_tags.c.id)
        )
    )
    .join_from(recording_tags, tags, tags.c.id == recording_tags.c.tag_id)
    .where(recording_tags.c.recording_id == recordings.c.id)
    .correlate(recordings)
    .scalar_subquery()
)
_folder = (
    select(func.json_build_array(folders.c.id, folders.c.name))
    .where(folders.c.id == recordings.c.folder_id)
    .correlate(recordings)
    .scalar_subquery()
)

_events = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(
                    calendar_events.c.start_at,
                    calendar_events.c.end_at,
                    calendar_events.c.created_at,
                    calendar_events.c.id,
                    calendar_events.c.title,
                    calendar_events.c.description,
                    calendar_events.c.location,
                    calendar_events.c.attendees,
                    calendar_events.c.reminder_minutes,
                ),
                calendar_events.c.start_at,
                calendar_events.c.id,
            )
        )
    )
    .where(calendar_events.c.recording_id == recordings.c.id)
    .correlate(recordings)
    .scalar_subquery()
)

_MOST_COPIES = 20

COLUMNS = (
    recordings.c.id,
    recordings.c.uuid,
    recordings.c.user_id,
    recordings.c.title,
    recordings.c.title_given,
    recordings.c.status,
    recordings.c.error_message,
    recordings.c.original_filename,
    recordings.c.mime_type,
    recordings.c.file_size,
    recordings.c.sha256,
    recordings.c.audio_key,
    recordings.c.audio_duration,
    recordings.c.language,
    recordings.c.meeting_date,
    recordings.c.is_inbox,
    recordings.c.is_highlighted,
    recordings.c.transcript_job_id,
    recordings.c.summary.is_not(None).label("has_summary"),
    recordings.c.model,
    recordings.c.warnings,
    recordings.c.transcription_seconds,
    recordings.c.summarization_seconds,
    recordings.c.created_at,
    recordings.c.completed_at,
    recordings.c.last_seq,
    recordings.c.deletion_exempt,
    recordings.c.audio_deleted_at,
    _names.label("participants"),
    _tags.label("tags"),
    _folder.label("folder"),
)


def recording_of(row: Mapping[Any, Any]) -> Recording:
    values = dict(row)
    values["status"] = RecordingStatus(values["status"])
    values["warnings"] = tuple(values["warnings"])
    # Two labels may bear the same name.
    values["participants"] = tuple(dict.fromkeys(values["participants"] or ()))
    values["tags"] = tuple(TagRef(*tag) for tag in values["tags"] or ())
    values["folder"] = FolderRef(*values["folder"]) if values["folder"] else None
    return Recording(**values)


def add(tx: Connection, **values: Any) -> int:
    """Inserts a recording and returns its id."""
    return tx.execute(insert(recordings).values(**values).returning(recordings.c.id)).scalar_one()


def by_id(tx: Connection, recording_id: int, *, lock: bool = False) -> Recording | None:
    return _one(tx, recordings.c.id == recording_id, lock=lock)


def by_uuid(tx: Connection, uuid: UUID) -> Recording | None:
    return _one(tx, recordings.c.uuid == uuid)


def _one(tx: Connection, condition: ColumnElement[bool], *, lock: bool = False) -> Recording | None:
    statement = select(*COLUMNS).where(condition)
    if lock:
        statement = statement.with_for_update(of=recordings)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else recording_of(row)


def lock_all(tx: Connection, recording_ids: Collection[int]) -> None:
    """For who changes several: in the order of their ids, as everybody does, so that no two wait for each other."""
    if recording_ids:
        these = select(recordings.c.id).where(recordings.c.id.in_(recording_ids)).order_by(recordings.c.id)
        tx.execute(these.with_for_update())


def owned(tx: Connection, condition: ColumnElement[bool], *, lock: bool = False) -> dict[int, tuple[int, str]]:
    """Owner and title of the recordings that fulfil a condition, by id and in this order."""
    statement = select(recordings.c.id, recordings.c.user_id, recordings.c.title).where(condition)
    statement = statement.order_by(recordings.c.id)
    rows = tx.execute(statement.with_for_update(of=recordings) if lock else statement)
    return {row.id: (row.user_id, row.title) for row in rows}


def change(tx: Connection, recording_id: int, **values: Any) -> None:
    tx.execute(update(recordings).where(recordings.c.id == recording_id).values(**values))


def remove(tx: Connection, recording_id: int) -> None:
    """Removes the recording and, by cascade, all that hangs on it."""
    tx.execute(delete(recordings).where(recordings.c.id == recording_id))


def copies(tx: Connection, user_id: int, sha256: str | None, *, but: int) -> list[CopyRef]:
    """Other recordings of the user with the same bytes, oldest first; none where the bytes are not known."""
    if sha256 is None:
        return []
    rows = tx.execute(
        select(recordings.c.id, recordings.c.title, recordings.c.created_at)
        .where(recordings.c.user_id == user_id, recordings.c.sha256 == sha256, recordings.c.id != but)
        .order_by(recordings.c.id)
        .limit(_MOST_COPIES)
    )
    return [CopyRef(*row) for row in rows]


def audio_keys(tx: Connection) -> set[str]:
    return set(tx.execute(select(recordings.c.audio_key)).scalars())


def has_audio_key(tx: Connection, key: str) -> bool:
    return tx.execute(select(recordings.c.id).where(recordings.c.audio_key == key)).first() is not None


def texts(tx: Connection, recording_id: int) -> tuple[str | None, SummaryText]:
    """Notes and summary of one recording."""
    row = tx.execute(
        select(recordings.c.notes, recordings.c.summary, recordings.c.summary_parts, recordings.c.summary_model).where(
            recordings.c.id == recording_id
        )
    ).one()
    parts = row.summary_parts or {}
    return row.notes, SummaryText(
        text=row.summary,
        key_points=tuple(parts.get("key_points", ())),
        topics=tuple(Topic(**topic) for topic in parts.get("topics", ())),
        action_items=tuple(ActionItem(**item) for item in parts.get("action_items", ())),
        model=row.summary_model,
    )


def speaker_names(tx: Connection, recording_id: int) -> SpeakerNames:
    rows = tx.execute(
        select(participants.c.speaker, participants.c.name).where(
            participants.c.recording_id == recording_id, participants.c.speaker.is_not(None)
        )
    )
    return SpeakerNames({speaker: name or speaker_label(speaker) for speaker, name in rows})


def details(tx: Connection, recording_id: int, texts: Collection[str]) -> Details | None:
    """`texts` are some of TEXTS."""
    wanted = [recordings.c[name].label(f"text_{name}") for name in texts]
    statement = select(*COLUMNS, _events.label("events"), _copies().label("copies"), *wanted)
    row = tx.execute(statement.where(recordings.c.id == recording_id)).mappings().one_or_none()
    if row is None:
        return None
    values = dict(row)
    found = {name: values.pop(f"text_{name}") for name in texts}
    events = tuple(map(_event, values.pop("events") or ()))
    twins = tuple(CopyRef(twin, title, datetime.fromisoformat(at)) for twin, title, at in values.pop("copies") or ())
    return Details(recording_of(values), twins, events, found)


def _event(values: Sequence[Any]) -> EventRef:
    start, end, created_at, event_id, title, description, location, attendees, reminder_minutes = values
    return EventRef(
        id=event_id,
        title=title,
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end) if end else None,
        description=description,
        location=location,
        attendees=tuple(attendees),
        reminder_minutes=reminder_minutes,
        created_at=datetime.fromisoformat(created_at),
    )


def _copies() -> ScalarSelect[Any]:
    twins = recordings.alias()
    # A recording may have any number of them; the oldest say enough.
    oldest = (
        select(twins.c.id, twins.c.title, twins.c.created_at)
        .where(
            twins.c.user_id == recordings.c.user_id,
            twins.c.sha256 == recordings.c.sha256,
            twins.c.id != recordings.c.id,
        )
        .correlate(recordings)
        .order_by(twins.c.id)
        .limit(_MOST_COPIES)
        .lateral()
    )
    shown = func.json_build_array(oldest.c.id, oldest.c.title, oldest.c.created_at)
    return select(func.json_agg(shown)).select_from(oldest).scalar_subquery()


def standing(tx: Connection, recording_id: int) -> Standing | None:
    """One statement, for one moment: the place in the line is looked up only for a recording that waits."""
    open_job, line = jobs.alias(), places()
    place = select(line.c.place).where(line.c.id == open_job.c.id).scalar_subquery()
    position = case((open_job.c.status == JobStatus.QUEUED, place))
    row = tx.execute(
        select(
            recordings.c.id,
            recordings.c.user_id,
            recordings.c.status,
            recordings.c.error_message,
            recordings.c.completed_at,
            position.label("queue_position"),
            func.coalesce(open_job.c.progress, 0).label("progress"),
        )
        .outerjoin(open_job, and_(open_job.c.recording_id == recordings.c.id, open_job.c.status.in_(OPEN)))
        .where(recordings.c.id == recording_id)
    ).one_or_none()
    if row is None:
        return None
    status = RecordingStatus(row.status)
    if status in (RecordingStatus.COMPLETED, RecordingStatus.FAILED):
        done = 100 if status is RecordingStatus.COMPLETED else 0
        return Standing(row.id, row.user_id, status, row.error_message, row.completed_at, None, done)
    return Standing(*row[:2], status, *row[3:])
