"""Where the heavy steps of one recording run on other machines: each started there, all waited for side by side."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from functions.gpu.workers import Step, Work
from shared.domain.errors import HansardError, Unavailable
from shared.domain.tasks import Progress, TranscribeOptions
from shared.domain.transcripts import Diarization, Slice, SliceResult

logger = logging.getLogger("hansard.worker")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: So often there is a Progress while nothing gets finished: the answer to it may be that nobody waits any more.
_SIGN_OF_LIFE_SECONDS = 10.0
_REASON_CHARACTERS = 300


class Call(Protocol[T_co]):
    """Work that has been started on another machine."""

    def get(self) -> T_co:
        """Waits for the result. Raises what the work raised, or whatever went wrong on the way."""
        ...

    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class RemoteWorkers:
    """At most `at_once` calls are out at a time, one more where speakers are asked for.

    Slices are started one by one, for two reasons: each can be taken back, and one that has not been started costs
    nothing when the job ends early.
    """

    transcribe: Callable[[str, Slice, TranscribeOptions], Call[SliceResult]]
    diarize: Callable[[str, TranscribeOptions], Call[Diarization]]
    at_once: int

    def work(self, work: Work) -> Iterator[Step]:
        """Yields each finished step as it comes, in any order, and the share of the slices that is done.

        Raises the domain error that a step ended with, and Unavailable for anything else that happened to it.
        """
        calls = _Calls()
        pool = ThreadPoolExecutor(self.at_once + work.diarize, thread_name_prefix="remote")
        try:
            yield from _as_they_come(self._submit(work, calls, pool), work)
        finally:
            # First: whoever starts a call from here on takes it back.
            calls.take_back()
            pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, work: Work, calls: "_Calls", pool: ThreadPoolExecutor) -> list[Future[Any]]:
        source, options = work.source, work.options
        # Speakers first: the segments of a slice can only leave when they are known.
        starts: list[Callable[[], Call[Any]]] = [lambda: self.diarize(source, options)] if work.diarize else []
        starts += [lambda part=part: self.transcribe(source, part, options) for part in work.slices]
        return [pool.submit(calls.result, start) for start in starts]


def broken(error: BaseException) -> Unavailable:
    """What to raise instead of an error from another machine that is none of the domain.

    The machine broke down, took too long, was told to stop, or cannot be reached: another attempt may do better.
    """
    logger.error("work on another machine failed", exc_info=error)
    text = " ".join(str(error).split())[:_REASON_CHARACTERS]
    return Unavailable(f"A speech machine failed: {text or type(error).__name__}")


def _as_they_come(futures: list[Future[Any]], work: Work) -> Iterator[Step]:
    lengths = {part.index: part.end - part.start for part in work.slices}
    heard, pending = 0.0, set(futures)
    while pending:
        done, pending = wait(pending, timeout=_SIGN_OF_LIFE_SECONDS, return_when=FIRST_COMPLETED)
        # What is finished is kept, also when something else has failed meanwhile.
        for future in sorted(done, key=lambda future: future.exception() is not None):
            step = future.result()
            heard += lengths[step.index] if isinstance(step, SliceResult) else 0.0
            yield step
        yield Progress("transcribing", heard / (sum(lengths.values()) or 1.0))


@dataclass(slots=True)
class _Calls:
    """The calls that are out."""

    _open: dict[int, Call[Any]] = field(default_factory=dict)
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def result(self, start: Callable[[], Call[T]]) -> T:
        """Raises HansardError only."""
        try:
            return self._result(start())
        except HansardError:
            raise
        except BaseException as error:  # Modal's InputCancellation is no Exception
            if self._over:
                raise Unavailable("The work was taken back.") from error
            raise broken(error) from error

    def _result(self, call: Call[T]) -> T:
        with self._lock:
            self._open[id(call)] = call
            over = self._over
        if over:
            call.cancel()
        try:
            return call.get()
        finally:
            with self._lock:
                del self._open[id(call)]

    def take_back(self) -> None:
        with self._lock:
            self._over = True
            calls = list(self._open.values())
        for call in calls:
            try:
                call.cancel()
            except Exception:  # a worker's last loop: the others have to be taken back, too
                logger.exception("work on another machine could not be cancelled")
