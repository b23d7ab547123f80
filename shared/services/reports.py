"""What a worker reports becomes truth here: one transaction per report, recorded once, in order.

A report of an older attempt, of a paused, cancelled or deleted job changes nothing and tells the worker to stop.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from shared.db import events, jobs, recordings, segments
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.errors import Conflict
from shared.domain.jobs import Job, JobStatus, percent
from shared.domain.recordings import TITLE_LENGTH, Recording, RecordingStatus
from shared.domain.tasks import (
    Completed,
    Diarized,
    Failed,
    Progress,
    Report,
    SegmentsReady,
    SliceDone,
    Started,
    Summarizing,
)
from shared.domain.transcripts import Segment, Summary
from shared.services.attempts import fail, retry_or_fail
from shared.services.core import Core

logger = logging.getLogger("hansard.jobs")

NewEvents = list[tuple[str, dict[str, Any]]]


def record(core: Core, report: Report) -> bool:
    """Records a report; says whether the worker is to go on. Raises Conflict when an earlier report is missing."""
    with core.db.begin() as tx:
        job = jobs.locked(tx, report.job_id)
        if job is None or job.status is not JobStatus.RUNNING or job.attempt != report.attempt:
            return False
        if report.seq <= job.report_seq:
            return True
        if report.seq != job.report_seq + 1:
            raise Conflict(f"Report {job.report_seq + 1} of this attempt is still missing.")
        lease = core.now() + timedelta(seconds=core.limits.lease_seconds)
        jobs.change(tx, job.id, report_seq=report.seq, lease_until=lease)
        _apply(core, job, report, tx)
    core.live.changed(job.recording_id)
    if isinstance(report.body, Completed | Failed):
        core.kicks.kick()
    return True


def _apply(core: Core, job: Job, report: Report, tx: Transaction) -> None:
    match report.body:
        case Started() as body:
            new = _started(job, body, tx)
        case Progress() as body:
            new = _progress(job, body, tx)
        case SliceDone() as body:
            new = _slice_done(job, body, tx)
        case Diarized() as body:
            jobs.save_diarization(tx, job.id, body.diarization)
            new = [(kinds.DIARIZED, {"speakers": body.diarization.speakers, "percent": job.progress})]
        case SegmentsReady() as body:
            added = segments.add(tx, job.recording_id, job.id, body.segments)
            new = [(kinds.SEGMENT, _segment_data(segment)) for segment in added]
        case Summarizing():
            recordings.change(tx, job.recording_id, status=RecordingStatus.SUMMARIZING)
            new = [(kinds.SUMMARIZING, {"percent": job.progress})]
        case Completed() as body:
            new = _completed(core, job, body, tx)
        case Failed() as body:
            logger.warning("job %s, attempt %s: %s", job.id, job.attempt, body.reason)
            end = retry_or_fail if body.retry else fail
            end(core, job, body.reason, tx)
            new = []
    if new:
        events.append(tx, job.recording_id, new)


def _started(job: Job, body: Started, tx: Transaction) -> NewEvents:
    recordings.change(tx, job.recording_id, audio_duration=body.duration)
    jobs.change(tx, job.id, model=body.model)
    if not job.seams:
        jobs.change(tx, job.id, seams=list(body.seams))
    seams = job.seams or body.seams
    return [(kinds.JOB_PROGRESS, _progress_data(job.progress, job.slices_done, len(seams) - 1, "transcribing"))]


def _progress(job: Job, body: Progress, tx: Transaction) -> NewEvents:
    reached = percent(len(job.seams), job.slices_done, body.fraction, floor=job.progress)
    if reached == job.progress:
        # A sign of life only: the lease is renewed, the log need not grow.
        return []
    jobs.change(tx, job.id, progress=reached)
    return [(kinds.JOB_PROGRESS, _progress_data(reached, job.slices_done, len(job.seams) - 1, body.stage))]


def _slice_done(job: Job, body: SliceDone, tx: Transaction) -> NewEvents:
    if not jobs.save_slice(tx, job.id, body.result):
        return []
    done = job.slices_done + 1
    reached = percent(len(job.seams), done, 0.0, floor=job.progress)
    jobs.change(tx, job.id, slices_done=done, progress=reached, failures=0)
    return [(kinds.JOB_PROGRESS, _progress_data(reached, done, len(job.seams) - 1, "transcribing"))]


def _progress_data(reached: int, done: int, total: int, stage: str) -> dict[str, Any]:
    return {"percent": reached, "slices_done": done, "slices": total, "stage": stage}


def _segment_data(segment: Segment) -> dict[str, Any]:
    return {
        "position": segment.position,
        "start": segment.start,
        "end": segment.end,
        "speaker": segment.speaker,
        "speaker_confidence": segment.speaker_confidence,
        "text": segment.text,
    }


def _completed(core: Core, job: Job, body: Completed, tx: Transaction) -> NewEvents:
    recording = recordings.by_id(tx, job.recording_id, lock=True)
    assert recording is not None
    now = core.now()
    jobs.change(tx, job.id, status=JobStatus.COMPLETED, progress=100, lease_until=None, finished_at=now)
    recordings.change(
        tx,
        job.recording_id,
        status=RecordingStatus.COMPLETED,
        error_message=None,
        transcript_job_id=job.id,
        model=jobs.model(tx, job.id),
        language=body.language,
        warnings=list(body.warnings),
        transcription_seconds=body.transcription_seconds,
        summarization_seconds=body.summarization_seconds,
        completed_at=now,
        **_summary_columns(recording, body.summary),
    )
    segments.drop_others(tx, job.recording_id, job.id)
    jobs.forget_work(tx, [job.id])
    return [(kinds.COMPLETED, {"percent": 100, "slices": len(job.seams) - 1, "warnings": list(body.warnings)})]


def _summary_columns(recording: Recording, summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"summary": None, "summary_parts": None, "summary_model": None}
    columns: dict[str, Any] = {
        "summary": summary.text or None,
        "summary_parts": {
            "key_points": list(summary.key_points),
            "topics": _plain(summary.topics),
            "action_items": _plain(summary.action_items),
        },
        "summary_model": summary.model,
    }
    if summary.title and not recording.title_given:
        columns["title"] = summary.title[:TITLE_LENGTH]
    return columns


def _plain(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]
