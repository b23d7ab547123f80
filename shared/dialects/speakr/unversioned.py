"""What Speakr answers outside its versioned API and real clients ask for, in its words."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from shared.dialects.speakr.common import utc
from shared.dialects.speakr.transcripts import rows
from shared.domain.jobs import JobStatus
from shared.domain.recordings import SpeakerNames
from shared.domain.stats import QueueEntry
from shared.domain.transcripts import Segment

_Status = Literal["queued", "processing", "completed", "failed"]

# A paused job waits, too; a cancelled one has come to nothing.
_STATUSES: Mapping[str, _Status] = {
    JobStatus.QUEUED: "queued",
    JobStatus.PAUSED: "queued",
    JobStatus.RUNNING: "processing",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "failed",
}


class QueueJob(BaseModel):
    id: int
    recording_id: int
    recording_title: str
    job_status: _Status
    job_type: Literal["transcribe", "summarize"]
    queue_type: Literal["transcription", "summary"]
    position: int | None
    is_new_upload: bool
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class QueueAnswer(BaseModel):
    jobs: list[QueueJob]


def queue(found: Iterable[QueueEntry]) -> dict[str, Any]:
    return {"jobs": [_job(each) for each in found]}


def _job(entry: QueueEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "recording_id": entry.recording_id,
        "recording_title": entry.recording_title,
        "job_status": _STATUSES[entry.status],
        "job_type": entry.kind,
        "queue_type": "summary" if entry.kind == "summarize" else "transcription",
        "position": entry.position,
        "is_new_upload": entry.is_first,
        "error_message": entry.error_message,
        "created_at": utc(entry.created_at),
        "started_at": utc(entry.started_at),
        "completed_at": utc(entry.finished_at),
    }


def raw_transcript(segments: Sequence[Segment], names: SpeakerNames) -> str:
    """The segments as JSON in a text: this is how clients of the old address take them apart."""
    return json.dumps(rows(segments, names), ensure_ascii=False)
