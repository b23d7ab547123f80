"""What a worker reports becomes truth here: one transaction per report, recorded once, in order.

A report of an older attempt, of a paused, cancelled or deleted job changes nothing and tells the worker to stop.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from shared.db import calendar_events, events, jobs, recordings, segments, usage
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.calendar import MOST_EVENTS, CalendarEvent
from shared.domain.errors import Conflict, Invalid
from shared.domain.jobs import Job, JobKind, JobStatus, percent
from shared.domain.recordings import TITLE_LENGTH, Recording, RecordingStatus
from shared.domain.tasks import (
    NO_SUMMARY,
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
from shared.domain.usage import NO_BUDGET
from shared.domain.webhooks import WebhookEvent
from shared.services import speakers
from shared.services.attempts import retry_or_fail
from shared.services.core import Core
from shared.services.endings import announce_failure, fail, other_warnings
from shared.services.outbox import announce

logger = logging.getLogger("hansard.jobs")

NewEvents = list[tuple[str, dict[str, Any]]]
#: What the worker of a summary may report: it has nothing to do with slices and segments.
_OF_SUMMARIES = Progress | Summarizing | Completed | Failed


def record(core: Core, report: Report) -> bool:
    """Records a report; says whether the worker is to go on. Raises Conflict when an earlier report is missing."""
    with core.db.begin() as tx:
        job = jobs.locked(tx, report.job_id)
        if job is None or job.status is not JobStatus.RUNNING or job.attempt != report.attempt:
            return False
        if report.seq <= job.report_seq:
            return True
        if job.kind is JobKind.SUMMARIZE and not isinstance(report.body, _OF_SUMMARIES):
            raise Invalid("This job writes a summary; it has nothing else to report.")
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
        case Completed() as body if job.kind is JobKind.SUMMARIZE:
            new = _summarized(core, job, body, tx)
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
    recording = _ended(core, job, tx)
    refusal = _tokens_refusal(core, job, body, tx)
    warnings = [*body.warnings, *([f"{NO_SUMMARY}{refusal}"] if refusal else [])]
    recordings.change(
        tx,
        recording.id,
        status=RecordingStatus.COMPLETED,
        error_message=None,
        transcript_job_id=job.id,
        model=jobs.model(tx, job.id),
        language=body.language,
        warnings=warnings,
        transcription_seconds=body.transcription_seconds,
        summarization_seconds=body.summarization_seconds,
        completed_at=core.now(),
        **_summary_columns(recording, body.summary),
    )
    segments.drop_others(tx, recording.id, job.id)
    speakers.take_voices(core, tx, recording, jobs.diarization(tx, job.id))
    jobs.forget_work(tx, [job.id])
    _announce_transcript(core, recording, body, tx)
    if job.options.extract_events and body.events is not None:
        _keep_events(core, recording, body, body.events[:MOST_EVENTS], tx)
    _announce_summary(core, recording, body, refusal, tx)
    # Last: all jobs of a user wait here for each other.
    usage.add(tx, recording.user_id, core.now(), seconds=recording.audio_duration or 0.0, tokens=body.tokens)
    return [(kinds.COMPLETED, {"percent": 100, "slices": len(job.seams) - 1, "warnings": warnings})]


def _ended(core: Core, job: Job, tx: Transaction) -> Recording:
    """Notes the good end of a job; its recording, locked."""
    recording = recordings.by_id(tx, job.recording_id, lock=True)
    assert recording is not None
    done = JobStatus.COMPLETED
    jobs.change(tx, job.id, status=done, progress=100, lease_until=None, finished_at=core.now())
    return recording


def _tokens_refusal(core: Core, job: Job, body: Completed, tx: Transaction) -> str | None:
    """Why there is no summary, if that is because the worker was not asked for the one that the person wants."""
    if not job.options.summarize or body.summary is not None or body.summary_error is not None:
        return None
    return usage.budgets(tx, [job.user_id], core.now()).get(job.user_id, NO_BUDGET).tokens_refusal


def _summarized(core: Core, job: Job, body: Completed, tx: Transaction) -> NewEvents:
    """Only the summary is new: the transcript and what people have made of it stay as they are."""
    if body.summary is None:
        raise Invalid("A summary has to come with its end.")
    recording = _ended(core, job, tx)
    warnings = [*other_warnings(recording.warnings), *body.warnings]
    recordings.change(
        tx,
        recording.id,
        status=RecordingStatus.COMPLETED,
        error_message=None,
        warnings=warnings,
        summarization_seconds=body.summarization_seconds,
        **_summary_columns(recording, body.summary),
    )
    _announce_summary(core, recording, body, None, tx)
    usage.add(tx, recording.user_id, core.now(), tokens=body.tokens)
    return [(kinds.SUMMARIZED, {"percent": 100, "warnings": warnings})]


def _announce_transcript(core: Core, recording: Recording, body: Completed, tx: Transaction) -> None:
    said = {
        "recording_id": recording.id,
        "title": _title(recording, body.summary),
        "language": body.language,
        "audio_duration_seconds": recording.audio_duration,
        "transcription_duration_seconds": body.transcription_seconds,
        "summarization_duration_seconds": body.summarization_seconds if body.summary else None,
    }
    announce(core, tx, recording.user_id, WebhookEvent.TRANSCRIPTION_COMPLETED, said)


def _keep_events(
    core: Core, recording: Recording, body: Completed, found: Sequence[CalendarEvent], tx: Transaction
) -> None:
    calendar_events.replace(tx, recording.id, found)
    if found:
        title = _title(recording, body.summary)
        said = {"recording_id": recording.id, "title": title, "events_count": len(found)}
        announce(core, tx, recording.user_id, WebhookEvent.EVENTS_EXTRACTED, said)


def _announce_summary(core: Core, recording: Recording, body: Completed, refusal: str | None, tx: Transaction) -> None:
    if body.summary is not None and body.summary.text:
        said = {
            "recording_id": recording.id,
            "title": _title(recording, body.summary),
            "summarization_duration_seconds": body.summarization_seconds,
        }
        announce(core, tx, recording.user_id, WebhookEvent.SUMMARY_COMPLETED, said)
    elif reason := body.summary_error or refusal:
        announce_failure(core, tx, recording, WebhookEvent.SUMMARY_FAILED, reason)


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
    return {**columns, "title": _title(recording, summary)}


def _title(recording: Recording, summary: Summary | None) -> str:
    """A title that a person has given stays; else that of the summary counts."""
    if summary is None or not summary.title or recording.title_given:
        return recording.title
    return summary.title[:TITLE_LENGTH]


def _plain(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]
