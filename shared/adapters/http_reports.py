"""A worker's end of the task/report protocol, over HTTP: one report after the other, each until it is answered."""

import logging
import threading
import time
from typing import Any
from uuid import uuid4

from shared.domain.errors import HansardError, Invalid, Unavailable
from shared.domain.jobs import JobState
from shared.domain.tasks import (
    Beginning,
    Checkpoint,
    Progress,
    Report,
    ReportBody,
    Stopped,
    TranscribeTask,
    TranscriptPage,
)
from shared.domain.transcripts import Segment
from shared.wire import beginning_to_json, page_from_json, report_to_json, slice_from_json, state_from_json

logger = logging.getLogger("hansard.worker")

_TIMEOUT_SECONDS = 60.0
#: The server knows no such job any more, or does not believe this worker: no use in asking again.
_GONE = (401, 403, 404, 410)
#: It would say the same again and again.
_REFUSED = (400, 409, 413, 422)


class HttpReports:
    """Reports of one attempt. While it is open, a heartbeat renews the lease when there is nothing to report.

    The attempt begins with the first call, whatever that is. `patience` is how many seconds a server may stay silent
    before the work is given up.
    """

    def __init__(self, task: TranscribeTask, *, patience: float = 300.0) -> None:
        import httpx2

        self._task = task
        self._patience = patience
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {task.token}", "Content-Type": "application/json"},
            timeout=_TIMEOUT_SECONDS,
        )
        self._lock = threading.Lock()
        self._worker = uuid4().hex
        self._state: JobState | None = None
        self._seq = 0
        self._last = Progress("transcribing", 0.0)
        self._stopped = False
        self._closing = threading.Event()

    def __enter__(self) -> "HttpReports":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        # A last heartbeat may be on its way.
        with self._lock:
            self._stopped = True
        self._client.close()

    def checkpoint(self) -> Checkpoint:
        """What earlier attempts have finished. Raises Stopped, Unavailable."""
        with self._lock:
            state = self._begun()
        url = self._task.callback_url
        slices = [slice_from_json(self._request("GET", f"{url}/slices/{index}").content) for index in state.done]
        return Checkpoint(state.seams, tuple(slices), state.diarization)

    def transcript(self) -> TranscriptPage:
        """The whole transcript of which a summary is to be written. Raises Stopped, Unavailable."""
        with self._lock:
            self._begun()
        segments: list[Segment] = []
        after = -1
        while True:
            page = page_from_json(self._request("GET", f"{self._task.callback_url}/transcript?after={after}").content)
            segments += page.segments
            if not page.more or not page.segments:
                return TranscriptPage(tuple(segments), page.names, page.language)
            after = page.segments[-1].position

    def _begun(self) -> JobState:
        if self._stopped:
            raise Stopped
        if self._state is None:
            beginning = beginning_to_json(Beginning(self._task.attempt, self._worker))
            state = state_from_json(self._request("POST", f"{self._task.callback_url}/attempts", beginning).content)
            if not state.go_on:
                self._stopped = True
                raise Stopped
            self._state = state
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self._state

    def send(self, body: ReportBody) -> None:
        """Raises Stopped when the job is no longer this worker's, Unavailable when nobody answers for minutes,
        Invalid when the server cannot use the report."""
        with self._lock:
            if isinstance(body, Progress):
                self._last = body
            attempt = self._begun().attempt
            report = Report(self._task.job_id, attempt, self._seq, body)
            answer = self._request("POST", self._task.callback_url, report_to_json(report)).json()
            self._seq += 1
            if not answer["go_on"]:
                self._stopped = True
                raise Stopped

    def _beat(self) -> None:
        # Three to a lease: one may be late and one may be lost.
        while not self._closing.wait(self._task.lease_seconds / 3):
            try:
                self.send(self._last)
            except (Stopped, HansardError):
                return

    def _request(self, method: str, url: str, body: bytes | None = None) -> Any:
        """Repeats until answered: recording a report twice does no harm."""
        import httpx2

        deadline = time.monotonic() + self._patience
        delay = 0.1
        while True:
            try:
                response = self._client.request(method, url, content=body)
            except httpx2.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                if response.status_code in _GONE:
                    self._stopped = True
                    raise Stopped
                if response.is_success:
                    return response
                if response.status_code in _REFUSED:
                    raise Invalid(f"The server does not accept a report: {response.text[:300]}")
                problem = f"HTTP {response.status_code}"
            if time.monotonic() + delay > deadline:
                raise Unavailable(f"The server does not take reports: {problem}.")
            logger.info("%s %s: %s; again in %.1f s", method, url, problem, delay)
            if self._closing.wait(delay):
                raise Stopped
            delay = min(delay * 2, 10.0)
