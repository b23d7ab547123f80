"""What a user's dashboard shows, or everybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.recordings import RecordingStatus
from shared.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class People:
    """What is counted user by user. Budgets are those of one user; None where there is none, or of several users."""

    recordings_today: int
    last_transcription: datetime | None
    token_budget: int | None
    transcription_budget: int | None
    users: int
    active_users: int


@dataclass(frozen=True, slots=True)
class Stats:
    """`used` is of this month. `everybody`: of all users, without budgets."""

    recordings: Mapping[RecordingStatus, int]
    stored_bytes: int
    jobs_queued: int
    jobs_running: int
    used: Usage
    people: People
    estimated_cost: float
    everybody: bool


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A job as a list of work shows it; `is_first` says that the recording has had none before."""

    id: int
    recording_id: int
    recording_title: str
    kind: str
    status: str
    position: int | None
    is_first: bool
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
