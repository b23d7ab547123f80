"""Rows of recordings, their participants and their summaries. Lists never read text bodies."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    asc,
    delete,
    desc,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import array_agg

from shared.db.tables import participants, recordings
from shared.domain.recordings import Listing, Recording, RecordingStatus, SpeakerNames, SummaryText
from shared.domain.transcripts import ActionItem, Topic, speaker_label

_names = (
    select(array_agg(participants.c.name).label("names"))
    .where(participants.c.recording_id == recordings.c.id)
    .correlate(recordings)
    .scalar_subquery()
)

_COLUMNS = (
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
    _names.label("participants"),
)


def _recording(row: RowMapping) -> Recording:
    values = dict(row)
    values["status"] = RecordingStatus(values["status"])
    values["warnings"] = tuple(values["warnings"])
    values["participants"] = tuple(values["participants"] or ())
    return Recording(**values)


def add(tx: Connection, **values: Any) -> int:
    """Inserts a recording and returns its id."""
    return tx.execute(insert(recordings).values(**values).returning(recordings.c.id)).scalar_one()


def by_id(tx: Connection, recording_id: int, *, lock: bool = False) -> Recording | None:
    return _one(tx, recordings.c.id == recording_id, lock=lock)


def by_uuid(tx: Connection, uuid: UUID) -> Recording | None:
    return _one(tx, recordings.c.uuid == uuid)


def _one(tx: Connection, condition: ColumnElement[bool], *, lock: bool = False) -> Recording | None:
    statement = select(*_COLUMNS).where(condition)
    if lock:
        statement = statement.with_for_update(of=recordings)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _recording(row)


def change(tx: Connection, recording_id: int, **values: Any) -> None:
    tx.execute(update(recordings).where(recordings.c.id == recording_id).values(**values))


def remove(tx: Connection, recording_id: int) -> None:
    """Removes the recording and, by cascade, all that hangs on it."""
    tx.execute(delete(recordings).where(recordings.c.id == recording_id))


def copies(tx: Connection, user_id: int, sha256: str | None, *, but: int) -> list[Recording]:
    """Other recordings of the user with the same bytes, oldest first; none where the bytes are not known."""
    if sha256 is None:
        return []
    rows = tx.execute(
        select(*_COLUMNS)
        .where(recordings.c.user_id == user_id, recordings.c.sha256 == sha256, recordings.c.id != but)
        .order_by(recordings.c.id)
        .limit(20)
    )
    return [_recording(row) for row in rows.mappings()]


def audio_keys(tx: Connection) -> set[str]:
    return set(tx.execute(select(recordings.c.audio_key)).scalars())


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


SORTS: Mapping[str, ColumnElement[Any]] = {
    "created_at": recordings.c.created_at,
    "meeting_date": recordings.c.meeting_date,
    "title": recordings.c.title,
    "file_size": recordings.c.file_size,
    "status": recordings.c.status,
}


def page(tx: Connection, listing: Listing) -> tuple[list[Recording], int]:
    """One page and the number of recordings in all pages."""
    conditions = list(_conditions(listing))
    total = tx.execute(select(func.count()).select_from(recordings).where(*conditions)).scalar_one()
    rows = tx.execute(_ordered(select(*_COLUMNS).where(*conditions), listing))
    return [_recording(row) for row in rows.mappings()], total


def _ordered(statement: Select[*tuple[Any, ...]], listing: Listing) -> Select[*tuple[Any, ...]]:
    direction = asc if listing.ascending else desc
    order = direction(SORTS[listing.sort_by]).nulls_last()
    # The id breaks ties: a page never repeats or skips a row.
    return (
        statement.order_by(order, direction(recordings.c.id))
        .limit(listing.per_page)
        .offset((listing.page - 1) * listing.per_page)
    )


def _conditions(listing: Listing) -> Iterable[ColumnElement[bool]]:
    yield recordings.c.user_id == listing.user_id
    if listing.statuses is not None:
        yield recordings.c.status.in_(listing.statuses)
    if listing.date_from is not None:
        yield recordings.c.created_at >= listing.date_from
    if listing.date_to is not None:
        yield recordings.c.created_at <= listing.date_to
    if listing.inbox is not None:
        yield recordings.c.is_inbox.is_(listing.inbox)
    if listing.starred is not None:
        yield recordings.c.is_highlighted.is_(listing.starred)
    if listing.query:
        named = select(literal_column("1")).where(
            participants.c.recording_id == recordings.c.id,
            participants.c.name.icontains(listing.query, autoescape=True),
        )
        yield or_(recordings.c.title.icontains(listing.query, autoescape=True), named.exists())
