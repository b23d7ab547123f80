"""The event log: every change of a recording, in order, with a gapless number."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """`seq` counts 1, 2, 3, … per recording; `data` is plain JSON."""

    recording_id: int
    seq: int
    kind: str
    data: dict[str, Any]
    at: datetime


RECORDING_CREATED = "recording.created"
RECORDING_UPDATED = "recording.updated"
JOB_QUEUED = "job.queued"
JOB_STARTED = "job.started"
JOB_PAUSED = "job.paused"
JOB_PROGRESS = "job.progress"
DIARIZED = "transcript.diarized"
SEGMENT = "transcript.segment"
SUMMARIZING = "summary.started"
SUMMARIZED = "summary.completed"
SUMMARY_FAILED = "summary.failed"
COMPLETED = "job.completed"
FAILED = "job.failed"

#: After one of these the log of a job says nothing more. (The recording's goes on: people edit it.)
FINAL = (COMPLETED, FAILED, SUMMARIZED, SUMMARY_FAILED)
