"""Segments: one row each, words inside. A transcript is the set of segments of one job."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import segments
from shared.domain.transcripts import Segment, Word


def add(tx: Connection, recording_id: int, job_id: int, new: Sequence[Segment]) -> list[Segment]:
    """Inserts the segments whose position is not taken yet and returns those.

    A worker that was killed between two reports assembles the same segments again; each is kept once.
    """
    if not new:
        return []
    rows = [
        {
            "recording_id": recording_id,
            "job_id": job_id,
            "position": segment.position,
            "start": segment.start,
            "end": segment.end,
            "speaker": segment.speaker,
            "speaker_confidence": segment.speaker_confidence,
            "text": segment.text,
            "words": [[word.text, word.start, word.end, word.confidence] for word in segment.words],
        }
        for segment in new
    ]
    statement = upsert(segments).on_conflict_do_nothing().returning(segments.c.position)
    inserted = set(tx.execute(statement, rows).scalars())
    return [segment for segment in new if segment.position in inserted]


def of_job(tx: Connection, job_id: int, *, words: bool = False) -> Iterator[Segment]:
    """The segments of a transcript in order, without their words unless asked for."""
    columns = [
        segments.c.position,
        segments.c.start,
        segments.c.end,
        segments.c.text,
        segments.c.speaker,
        segments.c.speaker_confidence,
    ]
    if words:
        columns.append(segments.c.words)
    rows = tx.execute(select(*columns).where(segments.c.job_id == job_id).order_by(segments.c.position))
    for row in rows:
        spoken = tuple(Word(*word) for word in row.words) if words else ()
        yield Segment(row.position, row.start, row.end, row.text, row.speaker, spoken, row.speaker_confidence)


def page(tx: Connection, job_id: int, after: int, *, limit: int) -> list[Segment]:
    """The segments behind the position `after`, in order, without their words."""
    rows = tx.execute(
        select(
            segments.c.position,
            segments.c.start,
            segments.c.end,
            segments.c.text,
            segments.c.speaker,
            segments.c.speaker_confidence,
        )
        .where(segments.c.job_id == job_id, segments.c.position > after)
        .order_by(segments.c.position)
        .limit(limit)
    )
    return [Segment(*row[:5], speaker_confidence=row[5]) for row in rows]


def drop(tx: Connection, job_id: int) -> None:
    tx.execute(delete(segments).where(segments.c.job_id == job_id))


def drop_others(tx: Connection, recording_id: int, job_id: int) -> None:
    """Drops the transcripts of earlier jobs."""
    tx.execute(delete(segments).where(segments.c.recording_id == recording_id, segments.c.job_id != job_id))
