"""Jobs and their finished slices. A queued row is the outbox: whoever claims it launches it.

Lock order, everywhere: jobs before recordings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Subquery, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import jobs, slices
from shared.domain.jobs import OPEN, Job, JobKind, JobStatus
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Diarization, SliceResult
from shared.wire import from_plain, to_plain

_COLUMNS = (
    jobs.c.id,
    jobs.c.recording_id,
    jobs.c.user_id,
    jobs.c.status,
    jobs.c.attempt,
    jobs.c.failures,
    jobs.c.report_seq,
    jobs.c.lease_until,
    jobs.c.options,
    jobs.c.seams,
    jobs.c.slices_done,
    jobs.c.progress,
    jobs.c.launch_reference,
    jobs.c.launch_attempt,
    jobs.c.worker,
    jobs.c.first_seq,
    jobs.c.created_at,
    jobs.c.kind,
)


def _job(row: RowMapping) -> Job:
    values = dict(row)
    values["status"] = JobStatus(values["status"])
    values["kind"] = JobKind(values["kind"])
    values["options"] = options_from(values["options"])
    values["seams"] = tuple(values["seams"])
    return Job(**values)


def options_from(plain: Mapping[str, Any]) -> TranscribeOptions:
    """What a row says. A later version may have written what this one does not know."""
    known = {each.name for each in fields(TranscribeOptions)}
    return TranscribeOptions(**{name: value for name, value in plain.items() if name in known})


def _plain(options: TranscribeOptions) -> dict[str, Any]:
    """Without what is as always: an earlier version, which would not know a new option, can read most rows then."""
    values = {each.name: getattr(options, each.name) for each in fields(options)}
    usual = TranscribeOptions()
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


def add(
    tx: Connection,
    recording_id: int,
    user_id: int,
    options: TranscribeOptions,
    *,
    first_seq: int,
    not_before: datetime,
    kind: JobKind = JobKind.TRANSCRIBE,
) -> int:
    """`not_before` is by the clock of whoever asks for due jobs; the database's may go ahead of it."""
    statement = insert(jobs).values(
        recording_id=recording_id,
        user_id=user_id,
        kind=kind,
        status=JobStatus.QUEUED,
        options=_plain(options),
        first_seq=first_seq,
        not_before=not_before,
    )
    return tx.execute(statement.returning(jobs.c.id)).scalar_one()


def by_id(tx: Connection, job_id: int) -> Job | None:
    row = tx.execute(select(*_COLUMNS).where(jobs.c.id == job_id)).mappings().one_or_none()
    return None if row is None else _job(row)


def locked(tx: Connection, job_id: int) -> Job | None:
    row = tx.execute(select(*_COLUMNS).where(jobs.c.id == job_id).with_for_update()).mappings().one_or_none()
    return None if row is None else _job(row)


def open_job(tx: Connection, recording_id: int, *, lock: bool = False) -> Job | None:
    """The job of a recording that still has work before it, if any."""
    statement = select(*_COLUMNS).where(jobs.c.recording_id == recording_id, jobs.c.status.in_(OPEN))
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _job(row)


def lock_all(tx: Connection, recording_id: int) -> set[int]:
    """Locks every job of a recording, whatever its state; returns their ids."""
    statement = select(jobs.c.id).where(jobs.c.recording_id == recording_id).order_by(jobs.c.id).with_for_update()
    return set(tx.execute(statement).scalars())


def ids(tx: Connection, recording_id: int) -> set[int]:
    return set(tx.execute(select(jobs.c.id).where(jobs.c.recording_id == recording_id)).scalars())


def latest(tx: Connection, recording_id: int, kind: JobKind | None = None) -> Job | None:
    """The newest job of a recording, of that kind if one is given."""
    statement = select(*_COLUMNS).where(jobs.c.recording_id == recording_id).order_by(jobs.c.id.desc()).limit(1)
    if kind is not None:
        statement = statement.where(jobs.c.kind == kind)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _job(row)


def claimable(tx: Connection, now: datetime, *, limit: int) -> list[Job]:
    """Locks queued jobs that are due, in the order of the line."""
    line = _line(jobs.c.not_before <= now)
    rows = tx.execute(
        select(*_COLUMNS)
        .join(line, line.c.id == jobs.c.id)
        # Once more, for the row as it is when it is locked.
        .where(jobs.c.status == JobStatus.QUEUED, jobs.c.not_before <= now)
        .order_by(line.c.place)
        .limit(limit)
        .with_for_update(skip_locked=True, of=jobs)
    )
    return [_job(row) for row in rows.mappings()]


def _line(*conditions: ColumnElement[bool]) -> Subquery:
    """The queued jobs with their `place` in the line, from 1: users take turns, each with the oldest of their jobs.

    A user's running jobs and earlier queued ones count against the next; among equals, who was served last waits.
    """
    running = (
        select(jobs.c.user_id, func.count().label("count"))
        .where(jobs.c.status == JobStatus.RUNNING)
        .group_by(jobs.c.user_id)
        .subquery()
    )
    others = jobs.alias()
    served = select(func.max(others.c.started_at)).where(others.c.user_id == jobs.c.user_id).scalar_subquery()
    earlier = func.row_number().over(partition_by=jobs.c.user_id, order_by=jobs.c.id)
    queued = (
        select(jobs.c.id, (func.coalesce(running.c.count, 0) + earlier).label("turn"), served.label("served"))
        .outerjoin(running, running.c.user_id == jobs.c.user_id)
        .where(jobs.c.status == JobStatus.QUEUED, *conditions)
        .subquery()
    )
    order = (queued.c.turn, queued.c.served.nulls_first(), queued.c.id)
    return select(queued.c.id, func.row_number().over(order_by=order).label("place")).subquery()


def expired(tx: Connection, now: datetime, *, limit: int = 100) -> list[Job]:
    """Locks running jobs whose lease has run out."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(jobs.c.status == JobStatus.RUNNING, jobs.c.lease_until < now)
        .order_by(jobs.c.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_job(row) for row in rows.mappings()]


def count_running(tx: Connection) -> int:
    statement = select(func.count()).select_from(jobs).where(jobs.c.status == JobStatus.RUNNING)
    return tx.execute(statement).scalar_one()


def change(tx: Connection, job_id: int, **values: Any) -> None:
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def places() -> Subquery:
    """The queued jobs by `id` with their `place`, 1 for the one that is launched next: for other statements."""
    return _line()


def save_diarization(tx: Connection, job_id: int, found: Diarization) -> None:
    change(tx, job_id, diarization=to_plain(found))


def save_slice(tx: Connection, job_id: int, result: SliceResult) -> bool:
    """Stores a finished slice once; says whether it was new."""
    statement = (
        upsert(slices)
        .values(job_id=job_id, index=result.index, result=to_plain(result))
        .on_conflict_do_nothing()
        .returning(slices.c.index)
    )
    return tx.execute(statement).one_or_none() is not None


def done_slices(tx: Connection, job_id: int) -> tuple[int, ...]:
    statement = select(slices.c.index).where(slices.c.job_id == job_id).order_by(slices.c.index)
    return tuple(tx.execute(statement).scalars())


def diarization(tx: Connection, job_id: int) -> Diarization | None:
    found = tx.execute(select(jobs.c.diarization).where(jobs.c.id == job_id)).scalar_one()
    return None if found is None else from_plain(Diarization, found)


def slice_result(tx: Connection, job_id: int, index: int) -> SliceResult | None:
    statement = select(slices.c.result).where(slices.c.job_id == job_id, slices.c.index == index)
    found = tx.execute(statement).scalar_one_or_none()
    return None if found is None else from_plain(SliceResult, found)


def model(tx: Connection, job_id: int) -> str | None:
    return tx.execute(select(jobs.c.model).where(jobs.c.id == job_id)).scalar_one()


def forget_work(tx: Connection, job_ids: Sequence[int]) -> None:
    """Drops what only a restart would need."""
    tx.execute(slices.delete().where(slices.c.job_id.in_(job_ids)))
    tx.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(diarization=None))


def running(tx: Connection) -> list[Job]:
    """Every running job, locked."""
    rows = tx.execute(select(*_COLUMNS).where(jobs.c.status == JobStatus.RUNNING).order_by(jobs.c.id).with_for_update())
    return [_job(row) for row in rows.mappings()]
