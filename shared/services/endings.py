"""How jobs end without a result, and what that leaves of their recordings."""

import logging
from collections.abc import Sequence

from shared.db import events, jobs, recordings, segments
from shared.db.database import Transaction
from shared.domain import events as kinds
from shared.domain.jobs import Job, JobKind, JobStatus
from shared.domain.recordings import Recording, RecordingStatus
from shared.domain.tasks import NO_SUMMARY, SUMMARY_WARNING
from shared.domain.webhooks import WebhookEvent
from shared.services.core import Core
from shared.services.outbox import announce

logger = logging.getLogger("hansard.jobs")

_ERROR_CHARACTERS = 500


def fail(core: Core, job: Job, reason: str, tx: Transaction) -> None:
    """The end of a job that no other attempt could save."""
    end_without_result(core, job, JobStatus.FAILED, reason, tx)


def end_without_result(core: Core, job: Job, status: JobStatus, reason: str, tx: Transaction) -> None:
    """A transcription that ends leaves what was there before it, or a failed recording; a summary hurts nothing."""
    recording = recordings.by_id(tx, job.recording_id)
    assert recording is not None
    jobs.change(tx, job.id, status=status, error_message=reason, lease_until=None, finished_at=core.now())
    if status is JobStatus.FAILED:
        # An alarm counts these lines (infra/alarms.yml).
        logger.error("job failed: job %s, attempt %s: %s", job.id, job.attempt, reason)
    if job.kind is JobKind.SUMMARIZE:
        _without_summary(core, recording, status, reason, tx)
    else:
        _without_transcript(core, job, recording, status, reason, tx)


def _without_transcript(
    core: Core, job: Job, recording: Recording, status: JobStatus, reason: str, tx: Transaction
) -> None:
    jobs.forget_work(tx, [job.id])
    segments.drop(tx, job.id)
    keeps_transcript = status is JobStatus.CANCELLED and recording.has_transcript
    recordings.change(
        tx,
        recording.id,
        status=RecordingStatus.COMPLETED if keeps_transcript else RecordingStatus.FAILED,
        error_message=None if keeps_transcript else reason,
    )
    events.append(tx, recording.id, [(kinds.FAILED, {"reason": reason, "percent": job.progress})])
    if not keeps_transcript:
        announce_failure(core, tx, recording, WebhookEvent.TRANSCRIPTION_FAILED, reason)


def _without_summary(core: Core, recording: Recording, status: JobStatus, reason: str, tx: Transaction) -> None:
    warnings = list(recording.warnings)
    if status is JobStatus.FAILED:
        warnings = [*other_warnings(warnings), f"{NO_SUMMARY}{reason}"]
        announce_failure(core, tx, recording, WebhookEvent.SUMMARY_FAILED, reason)
    recordings.change(tx, recording.id, status=RecordingStatus.COMPLETED, error_message=None, warnings=warnings)
    events.append(tx, recording.id, [(kinds.SUMMARY_FAILED, {"reason": reason, "warnings": warnings})])


def announce_failure(core: Core, tx: Transaction, recording: Recording, event: WebhookEvent, reason: str) -> None:
    said = {"recording_id": recording.id, "title": recording.title, "error": reason[:_ERROR_CHARACTERS]}
    announce(core, tx, recording.user_id, event, said)


def other_warnings(warnings: Sequence[str]) -> list[str]:
    """Those that are not about the summary."""
    return [warning for warning in warnings if not warning.startswith(SUMMARY_WARNING)]
