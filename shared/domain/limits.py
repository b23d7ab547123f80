"""How much of what: the bounds that an operator may change."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes. `max_attempts` counts attempts in a row that finished no slice.

    `request_bytes` is the largest body that one request may bring, where that is less than an upload may have.
    `launch_seconds` is the first lease of an attempt: a container that starts cold says nothing for a while.
    `launch_patience` is how many seconds a job waits for a launcher that cannot start it.
    `running_jobs` bounds the jobs at work where the launcher itself would take any number.
    """

    upload_bytes: int = 1000 * 1024 * 1024
    audio_seconds: float = 24 * 3600.0
    lease_seconds: int = 120
    task_seconds: int = 24 * 3600
    max_attempts: int = 5
    slice_seconds: float | None = None
    request_bytes: int | None = None
    launch_seconds: int | None = None
    launch_patience: int = 6 * 3600
    running_jobs: int | None = None
