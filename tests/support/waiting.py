"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], seconds: float = 30, told: Callable[[], object] = lambda: "") -> None:
    """Returns when `holds` is true; after `seconds` the test fails with what `told` says."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)
