"""A job: one run of recognition over a recording, or one summary of it, and the states it may be in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Diarization


class JobKind(StrEnum):
    TRANSCRIBE = "transcribe"
    SUMMARIZE = "summarize"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: A job in one of these still has work before it.
OPEN = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class Job:
    """`failures` counts attempts in a row that finished no slice.

    `attempt` counts workers that began and only grows; `launch_attempt` is what it was at the last launch, and `worker`
    the one that reports now.
    """

    id: int
    recording_id: int
    user_id: int
    status: JobStatus
    attempt: int
    failures: int
    report_seq: int
    lease_until: datetime | None
    options: TranscribeOptions
    seams: tuple[float, ...]
    slices_done: int
    progress: int
    launch_reference: str | None
    launch_attempt: int
    worker: str | None
    first_seq: int
    created_at: datetime
    kind: JobKind = JobKind.TRANSCRIBE


@dataclass(frozen=True, slots=True)
class JobState:
    """What a worker that begins is told: the attempt it reports under, and what is already there.

    `done` names the finished slices; `seams` is empty if no earlier attempt got as far as a plan.
    """

    go_on: bool
    attempt: int = 0
    seams: tuple[float, ...] = ()
    done: tuple[int, ...] = ()
    diarization: Diarization | None = None


def percent(seams: int, done: int, fraction: float, *, floor: int) -> int:
    """Progress of `done` slices of `seams - 1`, plus `fraction` of the rest; never falls, 99 until the end."""
    slices = max(1, seams - 1)
    reached = int(100 * max(done / slices, min(1.0, fraction)))
    return max(floor, min(99, reached))
