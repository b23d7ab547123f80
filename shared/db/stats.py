"""Counts for dashboards. `user_id` None stands for everybody."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, exists, func, or_, select

from shared.db.jobs import places
from shared.db.tables import jobs, recording_counts, recordings, users
from shared.domain.jobs import OPEN, JobStatus
from shared.domain.recordings import RecordingStatus
from shared.domain.stats import People, QueueEntry

_ACTIVE = timedelta(days=30)
#: Nothing that runs longer is looked for among what has ended lately.
_LONGEST_JOB = timedelta(days=1)


def stored(tx: Connection, user_id: int | None) -> tuple[Mapping[RecordingStatus, int], int]:
    """Recordings by status, and the bytes of their audio."""
    statement = select(
        recording_counts.c.status, func.sum(recording_counts.c.count), func.sum(recording_counts.c.bytes)
    ).group_by(recording_counts.c.status)
    if user_id is not None:
        statement = statement.where(recording_counts.c.user_id == user_id)
    rows = list(tx.execute(statement))
    return {RecordingStatus(status): int(count) for status, count, _ in rows}, sum(int(row[2]) for row in rows)


def queue(tx: Connection, user_id: int | None) -> tuple[int, int]:
    """How many jobs are queued, and how many run."""
    queued, running = (func.count().filter(jobs.c.status == status) for status in (JobStatus.QUEUED, JobStatus.RUNNING))
    # All open ones, though paused jobs are not counted: those have an index.
    statement = select(queued, running).where(jobs.c.status.in_(OPEN))
    if user_id is not None:
        statement = statement.where(jobs.c.user_id == user_id)
    row = tx.execute(statement).one()
    return row[0], row[1]


def people(tx: Connection, user_id: int | None, now: datetime) -> People:
    """User by user, as the indexes of recordings begin with the user."""
    mine = recordings.c.user_id == users.c.id
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = select(func.count()).where(mine, recordings.c.created_at >= midnight).scalar_subquery()
    done = and_(mine, recordings.c.status == RecordingStatus.COMPLETED)
    last = select(func.max(recordings.c.completed_at)).where(done).scalar_subquery()
    active = exists().where(mine, recordings.c.created_at >= now - _ACTIVE)
    statement = select(
        func.coalesce(func.sum(today), 0),
        func.max(last),
        func.max(users.c.monthly_token_budget),
        func.max(users.c.monthly_transcription_seconds),
        func.count(),
        func.count().filter(active),
    )
    if user_id is not None:
        statement = statement.where(users.c.id == user_id)
    recordings_today, last_transcription, tokens, seconds, count, active_count = tx.execute(statement).one()
    if user_id is None:
        tokens = seconds = None
    return People(int(recordings_today), last_transcription, tokens, seconds, count, active_count)


def recent_jobs(tx: Connection, user_id: int, ended_since: datetime, *, limit: int) -> list[QueueEntry]:
    """Open jobs and those that have ended since then, newest first."""
    earlier, line = jobs.alias(), places()
    has_earlier = exists().where(earlier.c.recording_id == jobs.c.recording_id, earlier.c.id < jobs.c.id)
    # By the start, which has an index.
    lately = and_(jobs.c.started_at > ended_since - _LONGEST_JOB, jobs.c.finished_at > ended_since)
    rows = tx.execute(
        select(
            jobs.c.id,
            jobs.c.recording_id,
            recordings.c.title,
            jobs.c.kind,
            jobs.c.status,
            line.c.place,
            ~has_earlier,
            jobs.c.error_message,
            jobs.c.created_at,
            jobs.c.started_at,
            jobs.c.finished_at,
        )
        .join(recordings, recordings.c.id == jobs.c.recording_id)
        .outerjoin(line, line.c.id == jobs.c.id)
        .where(jobs.c.user_id == user_id, or_(jobs.c.status.in_(OPEN), lately))
        .order_by(jobs.c.id.desc())
        .limit(limit)
    )
    return [QueueEntry(*row) for row in rows]
