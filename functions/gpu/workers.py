"""Where the heavy steps of one recording run on one machine: a pool of processes, each with its own engine."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Any

from functions.gpu.diarize import DiarizerChoice, load_diarizer
from functions.gpu.transcribe import EngineChoice, load
from shared.domain.errors import Unavailable
from shared.domain.tasks import Progress, TranscribeOptions
from shared.domain.transcripts import Diarization, Slice, SliceResult

Step = SliceResult | Diarization | Progress

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Work:
    """The steps of one recording that are still to be done."""

    source: str
    slices: Sequence[Slice]
    diarize: bool
    options: TranscribeOptions


@dataclass(frozen=True, slots=True)
class ProcessWorkers:
    """`processes` engines side by side."""

    transcriber: EngineChoice
    diarizer: DiarizerChoice
    processes: int

    def work(self, work: Work) -> Iterator[Step]:
        """Yields each finished step as it comes, in any order, and in between the share of the slices that is done.

        Raises Unavailable when a process of the pool dies.
        """
        context = multiprocessing.get_context("spawn")
        # One number per slice: how far its worker is, 0..1. Doubles are written whole, so no lock is needed.
        fractions = context.Array("d", max(1, len(work.slices)), lock=False)
        steps = len(work.slices) + work.diarize
        pool = ProcessPoolExecutor(min(self.processes, max(1, steps)), context, _begin, (fractions,))
        try:
            yield from _as_they_come(self._submit(pool, work), work.slices, fractions)
        except BrokenProcessPool as error:
            raise Unavailable("A speech process ended unexpectedly, perhaps for want of memory.") from error
        else:
            # All is done: let them leave by themselves, so that they tidy up.
            pool.shutdown()
        finally:
            _end(pool)

    def _submit(self, pool: ProcessPoolExecutor, work: Work) -> list[Future[Any]]:
        # Speakers first: the segments of a slice can only leave when they are known.
        futures: list[Future[Any]] = []
        if work.diarize:
            futures.append(pool.submit(_diarize, self.diarizer, work.source, work.options))
        for place, part in enumerate(work.slices):
            futures.append(pool.submit(_transcribe, self.transcriber, work.source, place, part, work.options))
        return futures


def _as_they_come(futures: list[Future[Any]], slices: Sequence[Slice], fractions: Sequence[float]) -> Iterator[Step]:
    lengths = [part.end - part.start for part in slices]
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
        heard = sum(length * fraction for length, fraction in zip(lengths, fractions, strict=False))
        yield Progress("transcribing", heard / (sum(lengths) or 1.0))


def _end(pool: ProcessPoolExecutor) -> None:
    """Ends what is still at work: a caller that gives up does not wait for a slice to finish."""
    # Before `shutdown`, which forgets its processes.
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


class _Process:
    """What the initializer of a pool hands to the tasks of its process."""

    fractions: Any = None


def _begin(fractions: Any) -> None:
    """Runs first in each process of the pool."""
    _Process.fractions = fractions
    # Ctrl-C is the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, name="die-with-parent", daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _transcribe(choice: EngineChoice, source: str, place: int, part: Slice, options: TranscribeOptions) -> SliceResult:
    def heard(fraction: float) -> None:
        _Process.fractions[place] = fraction

    result = load(choice).transcribe(source, part, options, heard)
    heard(1.0)
    return result


def _diarize(choice: DiarizerChoice, source: str, options: TranscribeOptions) -> Diarization:
    return load_diarizer(choice).diarize(source, min_speakers=options.min_speakers, max_speakers=options.max_speakers)
