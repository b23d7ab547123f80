"""Statistics in Speakr's words, as dashboard widgets read them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from shared.dialects.speakr.common import utc
from shared.domain.recordings import RecordingStatus
from shared.domain.stats import Stats


class RecordingNumbers(BaseModel):
    total: int
    completed: int
    processing: int
    pending: int
    failed: int


class Storage(BaseModel):
    used_bytes: int
    used_human: str


class Queue(BaseModel):
    jobs_queued: int
    jobs_processing: int


class Tokens(BaseModel):
    used_this_month: int
    budget: int | None
    percentage: float | None


class Transcription(BaseModel):
    used_this_month_seconds: int
    used_this_month_minutes: int
    budget_seconds: int | None
    budget_minutes: int | None
    percentage: float | None
    estimated_cost: float


class Activity(BaseModel):
    recordings_today: int
    last_transcription: datetime | None


class Users(BaseModel):
    total: int
    active: int


class StatsAnswer(BaseModel):
    """`users` is there for scope=all only."""

    recordings: RecordingNumbers
    storage: Storage
    queue: Queue
    tokens: Tokens
    transcription: Transcription
    activity: Activity
    users: Users | None = None


def stats(found: Stats) -> dict[str, Any]:
    people = found.people
    answer: dict[str, Any] = {
        "recordings": _recordings(found),
        "storage": {"used_bytes": found.stored_bytes, "used_human": human(found.stored_bytes)},
        "queue": {"jobs_queued": found.jobs_queued, "jobs_processing": found.jobs_running},
        "tokens": {
            "used_this_month": found.used.tokens,
            "budget": people.token_budget,
            "percentage": _percentage(found.used.tokens, people.token_budget),
        },
        "transcription": _transcription(found),
        "activity": {
            "recordings_today": people.recordings_today,
            "last_transcription": utc(people.last_transcription),
        },
    }
    if found.everybody:
        answer["users"] = {"total": people.users, "active": people.active_users}
    return answer


def _recordings(found: Stats) -> dict[str, int]:
    def number(*statuses: RecordingStatus) -> int:
        return sum(found.recordings.get(status, 0) for status in statuses)

    return {
        "total": number(*RecordingStatus),
        "completed": number(RecordingStatus.COMPLETED),
        "processing": number(RecordingStatus.PROCESSING, RecordingStatus.SUMMARIZING),
        "pending": number(RecordingStatus.PENDING),
        "failed": number(RecordingStatus.FAILED),
    }


def _transcription(found: Stats) -> dict[str, Any]:
    seconds, budget = int(found.used.seconds), found.people.transcription_budget
    return {
        "used_this_month_seconds": seconds,
        "used_this_month_minutes": seconds // 60,
        "budget_seconds": budget,
        "budget_minutes": None if budget is None else budget // 60,
        "percentage": _percentage(found.used.seconds, budget),
        "estimated_cost": found.estimated_cost,
    }


def _percentage(used: float, budget: int | None) -> float | None:
    return round(100 * used / budget, 1) if budget else None


def human(size: float) -> str:
    """1024 bytes are `1.0 KB`."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} PB"
