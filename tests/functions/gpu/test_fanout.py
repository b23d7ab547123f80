"""Steps on other machines: side by side, in any order, and taken back when nobody waits any more."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from functions.gpu.fanout import RemoteWorkers, broken
from functions.gpu.workers import Step, Work
from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import Progress, TranscribeOptions
from shared.domain.transcripts import Diarization, Slice, SliceResult
from tests.support.waiting import until

OPTIONS = TranscribeOptions(language="en")
SPEAKERS = Diarization((), "far away")


class Gone(BaseException):
    """As modal.exception.InputCancellation: no Exception."""


@dataclass
class FarCall:
    """Ends when the test says with what: a result, or an error to raise. A cancelled one ends as Modal's do."""

    ended: threading.Event = field(default_factory=threading.Event)
    outcome: Any = None
    cancelled: bool = False

    def get(self) -> Any:
        assert self.ended.wait(20)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def cancel(self) -> None:
        self.cancelled = True
        self.end(Gone("cancelled"))

    def end(self, outcome: Any) -> None:
        if not self.ended.is_set():
            self.outcome = outcome
            self.ended.set()


class FarAway:
    """Machines that work for as long as the test wants. `calls` by the index of the slice; the speakers are -1."""

    def __init__(self) -> None:
        self.calls: dict[int, FarCall] = {}
        self.asked: list[tuple[object, ...]] = []
        self.on_start: Callable[[], None] = lambda: None

    def transcribe(self, source: str, part: Slice, options: TranscribeOptions) -> FarCall:
        self.asked.append((source, part, options))
        return self._start(part.index)

    def diarize(self, source: str, options: TranscribeOptions) -> FarCall:
        self.asked.append((source, options))
        return self._start(-1)

    def _start(self, index: int) -> FarCall:
        self.on_start()
        self.calls[index] = FarCall()
        return self.calls[index]

    def open(self) -> list[int]:
        return sorted(index for index, call in self.calls.items() if not call.ended.is_set())

    def work(self, count: int, *, diarize: bool = False, at_once: int = 2) -> Iterator[Step]:
        parts = [Slice(i, i * 10.0, i * 10.0 + 10.0) for i in range(count)]
        workers = RemoteWorkers(self.transcribe, self.diarize, at_once)
        return workers.work(Work("http://here/audio", parts, diarize, OPTIONS))


@pytest.fixture
def far() -> Iterator[FarAway]:
    machines = FarAway()
    yield machines
    for call in machines.calls.values():
        call.end(Gone("the test is over"))


def done(index: int) -> SliceResult:
    return SliceResult(index, (), 1.0)


class Reader:
    """Reads steps in a thread of its own, as the pipeline would."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self.seen: list[Step] = []
        self.error: BaseException | None = None
        self._steps = steps
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            self.seen.extend(self._steps)
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            self.error = error

    @property
    def results(self) -> list[Step]:
        return [step for step in self.seen if not isinstance(step, Progress)]

    def end(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_steps_come_as_they_end_and_are_asked_for_as_they_are(far: FarAway) -> None:
    reader = Reader(far.work(2, diarize=True))
    until(lambda: far.open() == [-1, 0, 1])
    for index, outcome in ((1, done(1)), (-1, SPEAKERS), (0, done(0))):
        far.calls[index].end(outcome)
        until(lambda outcome=outcome: outcome in reader.seen)
    reader.end()
    assert reader.results == [done(1), SPEAKERS, done(0)]
    assert ("http://here/audio", OPTIONS) in far.asked
    assert ("http://here/audio", Slice(1, 10.0, 20.0), OPTIONS) in far.asked


def test_no_more_slices_are_out_than_may_be_and_the_speakers_wait_for_none(far: FarAway) -> None:
    most: list[int] = []
    far.on_start = lambda: most.append(len([index for index in far.open() if index >= 0]))
    reader = Reader(far.work(6, diarize=True, at_once=2))
    for index in range(6):
        until(lambda index=index: index in far.calls)
        assert -1 in far.open()
        far.calls[index].end(done(index))
    far.calls[-1].end(SPEAKERS)
    reader.end()
    assert len(reader.results) == 7
    assert max(most) == 1, "one is out whenever another starts, never two"


def test_progress_tells_the_share_of_the_slices_that_is_done(far: FarAway) -> None:
    reader = Reader(far.work(4, at_once=1))
    for index in range(4):
        until(lambda index=index: index in far.calls)
        far.calls[index].end(done(index))
        until(lambda index=index: Progress("transcribing", (index + 1) / 4) in reader.seen)
    reader.end()


@pytest.mark.parametrize("error", [Invalid("This is no audio."), Unavailable("The audio cannot be read.")])
def test_an_error_of_the_domain_comes_through_as_it_is(far: FarAway, error: Exception) -> None:
    reader = Reader(far.work(1))
    until(far.open)
    far.calls[0].end(error)
    reader.end()
    assert reader.error is error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (RuntimeError("CUDA error:\n  out of memory"), "A speech machine failed: CUDA error: out of memory"),
        (TimeoutError(), "A speech machine failed: TimeoutError"),
        (Gone("Input was cancelled by user"), "A speech machine failed: Input was cancelled by user"),
    ],
)
def test_anything_else_is_worth_another_attempt(far: FarAway, error: BaseException, sentence: str) -> None:
    reader = Reader(far.work(1))
    until(far.open)
    far.calls[0].end(error)
    reader.end()
    assert isinstance(reader.error, Unavailable)
    assert str(reader.error) == sentence


def test_a_machine_that_cannot_even_be_asked_is_unavailable(far: FarAway) -> None:
    def refuse() -> None:
        raise ConnectionError("nobody there")

    far.on_start = refuse
    with pytest.raises(Unavailable, match="nobody there"):
        list(far.work(3))


def test_a_long_complaint_is_cut() -> None:
    assert len(str(broken(RuntimeError("word " * 1000)))) < 400


def test_what_has_ended_well_is_kept_when_something_fails(far: FarAway) -> None:
    steps = far.work(7, at_once=1)
    seen: list[Step] = []
    first = threading.Thread(target=lambda: seen.append(next(steps)))
    first.start()
    for index in range(6):
        until(lambda index=index: index in far.calls)
        far.calls[index].end(RuntimeError("lost") if index == 1 else done(index))
    # The one thread there is has gone on: all before are over.
    until(lambda: 6 in far.calls)
    first.join(20)
    with pytest.raises(Unavailable):
        seen.extend(steps)
    kept = [step.index for step in seen if isinstance(step, SliceResult)]
    assert sorted(kept) == [0, 2, 3, 4, 5]


def test_a_failure_takes_back_what_is_out_and_starts_nothing_more(far: FarAway) -> None:
    reader = Reader(far.work(9, diarize=True, at_once=2))
    until(lambda: len(far.open()) == 3)
    index = next(index for index in far.open() if index >= 0)
    others = [far.calls[each] for each in far.open() if each != index]
    far.calls[index].end(RuntimeError("lost"))
    reader.end()
    assert isinstance(reader.error, Unavailable)
    until(lambda: all(call.cancelled for call in others))
    until(lambda: far.open() == [])
    # The thread of the slice that failed may have begun one more, which is taken back as well.
    assert len(far.calls) <= 4


def test_whoever_stops_reading_takes_everything_back(far: FarAway) -> None:
    steps = far.work(5, diarize=True)
    thread = threading.Thread(target=lambda: next(steps))
    thread.start()
    until(lambda: len(far.open()) == 3)
    far.calls[next(index for index in far.open() if index >= 0)].end(done(0))
    thread.join(20)
    steps.close()
    until(lambda: far.open() == [])
    assert any(call.cancelled for call in far.calls.values())


def test_one_call_that_cannot_be_taken_back_does_not_keep_the_others(far: FarAway) -> None:
    reader = Reader(far.work(3, at_once=3))
    until(lambda: far.open() == [0, 1, 2])
    stubborn = far.calls[0]

    def refuse() -> None:
        stubborn.cancelled = True
        raise ConnectionError("nobody there")

    stubborn.cancel = refuse
    far.calls[1].end(RuntimeError("lost"))
    reader.end()
    until(lambda: far.calls[2].cancelled and stubborn.cancelled)


def test_a_call_that_begins_when_all_is_over_is_taken_back(far: FarAway) -> None:
    late, go_on = threading.Event(), threading.Event()

    def hesitate() -> None:
        if threading.current_thread().name.endswith("_0"):
            late.set()
            assert go_on.wait(20)

    far.on_start = hesitate
    reader = Reader(far.work(2))
    until(lambda: late.is_set() and far.open() == [1])
    far.calls[1].end(RuntimeError("lost"))
    reader.end()
    go_on.set()
    until(lambda: 0 in far.calls and far.calls[0].cancelled)


def test_without_anything_to_do_nothing_is_asked(far: FarAway) -> None:
    assert list(far.work(0)) == []
    assert far.asked == []
