"""Webhooks within one process: a thread that looks for due deliveries, at once when kicked, and a pool to send them."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.domain.errors import HansardError

logger = logging.getLogger("hansard.webhooks")


class LocalWebhooks:
    """`interval` is the longest time between two looks, in seconds; `room` how many are sent at once."""

    def __init__(self, interval: float = 2.0, room: int = 64) -> None:
        self._interval = interval
        self._room = room
        self._free = room
        self._lock = threading.Lock()
        self._kicked = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def kick(self, webhook_ids: Sequence[int]) -> None:
        del webhook_ids  # a look finds all that is due
        self._kicked.set()

    def start(self, claim: Callable[[int], Sequence[Any]], send: Callable[[Any], object]) -> None:
        """`claim` takes at most so many things to send, and each goes to `send`, in a thread of the pool."""
        self._thread = threading.Thread(target=self._run, args=(claim, send), name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when what is being sent has been sent."""
        self._stopping = True
        self._kicked.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, claim: Callable[[int], Sequence[Any]], send: Callable[[Any], object]) -> None:
        with ThreadPoolExecutor(self._room, thread_name_prefix="webhook") as pool:
            while not self._stopping:
                self._kicked.clear()
                for claimed in self._claimed(claim):
                    pool.submit(self._send, send, claimed)
                # What has been sent makes room: that is a kick, too.
                self._kicked.wait(self._interval)

    def _claimed(self, claim: Callable[[int], Sequence[Any]]) -> Sequence[Any]:
        with self._lock:
            free = self._free
        if not free:
            return ()
        try:
            claimed = claim(free)
        except HansardError as error:
            logger.warning("looking for webhooks to send failed: %s", error)
            return ()
        except Exception:  # a worker loop: the next round may find the database again
            logger.exception("looking for webhooks to send failed")
            return ()
        with self._lock:
            self._free -= len(claimed)
        return claimed

    def _send(self, send: Callable[[Any], object], claimed: Any) -> None:
        try:
            send(claimed)
        except HansardError as error:
            logger.warning("sending a webhook failed: %s", error)
        except Exception:  # a worker loop: its lease runs out, and it is sent again
            logger.exception("sending a webhook failed")
        finally:
            with self._lock:
                self._free += 1
            self._kicked.set()
