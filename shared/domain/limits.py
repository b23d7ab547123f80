"""How much of what: the bounds that an operator may change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. `max_attempts` counts attempts in a row that finished no slice."""

    upload_bytes: int = 1000 * 1024 * 1024
    audio_seconds: float = 24 * 3600.0
    lease_seconds: int = 120
    task_seconds: int = 24 * 3600
    max_attempts: int = 5
    slice_seconds: float | None = None
