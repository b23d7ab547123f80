"""Kicks within one process: a thread that sweeps at once when kicked, and every few seconds when nobody does."""

import logging
import threading
from collections.abc import Callable

from shared.domain.errors import HansardError

logger = logging.getLogger("hansard.jobs")


class LocalKicks:
    """`interval` is the longest time between two sweeps, in seconds; `first` is called before each."""

    def __init__(self, first: Callable[[], object] | None = None, interval: float = 2.0) -> None:
        self._first = first
        self._interval = interval
        self._kicked = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def kick(self) -> None:
        self._kicked.set()

    def start(self, sweep: Callable[[], object]) -> None:
        self._thread = threading.Thread(target=self._run, args=(sweep,), name="kicks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._kicked.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self, sweep: Callable[[], object]) -> None:
        while not self._stopping:
            self._kicked.clear()
            try:
                if self._first is not None:
                    self._first()
                sweep()
            except HansardError as error:
                logger.warning("looking for queued jobs failed: %s", error)
            except Exception:  # a worker loop: the next round may find the database again
                logger.exception("looking for queued jobs failed")
            self._kicked.wait(self._interval)
