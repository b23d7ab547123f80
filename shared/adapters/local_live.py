"""Live updates within one process: wakes those who watch a recording; what happened they read from the event log."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class LocalLiveUpdates:
    """`changed` may be called from any thread; watchers wait in their own event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[int, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = defaultdict(set)

    def changed(self, *recording_ids: int) -> None:
        with self._lock:
            watchers = [watcher for each in recording_ids for watcher in self._watchers.get(each, ())]
        for loop, event in watchers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def watch(self, recording_id: int) -> Iterator[asyncio.Event]:
        """An event that is set at every change; the watcher clears it before it reads."""
        watcher = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._watchers[recording_id].add(watcher)
        try:
            yield watcher[1]
        finally:
            with self._lock:
                self._watchers[recording_id].discard(watcher)
                if not self._watchers[recording_id]:
                    del self._watchers[recording_id]
