"""What the operator of an installation has decided: switches and server-wide defaults."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class RetentionMode(StrEnum):
    """What goes when a recording is old: its audio, or all of it."""

    AUDIO = "audio"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Policy:
    """`retention_days` counts for recordings whose folder and tags do not say otherwise; None keeps them.

    `cost_per_hour` is what an hour of transcribed audio is estimated to cost. `rate_limits` says whether requests are
    counted at all. `language`, `min_speakers` and `max_speakers` are for recordings that leave them open. `engine` and
    `model` are what speech to text is done with, as far as the web side is told.
    """

    folders: bool = False
    users_can_delete: bool = True
    engine: str = "auto"
    model: str | None = None
    language: str | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    cost_per_hour: float = 0.36
    rate_limits: bool = False
    auto_deletion: bool = False
    retention_days: int | None = None
    retention_mode: RetentionMode = RetentionMode.RECORDING
    webhooks: bool = True
    webhooks_per_user: int = 10
    webhook_retention: timedelta = timedelta(days=30)
