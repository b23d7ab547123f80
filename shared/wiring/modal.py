"""What the functions of modal_app.py do, each in its own container."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from functions.gpu import fanout, pipeline, vad
from functions.gpu.audio import RATE
from functions.gpu.diarize import choose_diarizer, load_diarizer
from functions.gpu.pipeline import Engines, Workers
from functions.gpu.summarize import Wishes
from functions.gpu.transcribe import EngineChoice, Transcriber, choose, load
from shared.adapters.http_reports import HttpReports
from shared.domain.calendar import CalendarEvent
from shared.domain.errors import HansardError
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Diarization, Segment, Slice, SliceResult, Summary
from shared.wire import task_from_json
from shared.wiring.gpu import reader
from shared.wiring.modal_settings import ModalSettings
from shared.wiring.settings import Settings


def process(task_json: str, transcriber: Any, diarizer: Any, summarizer: Any) -> None:
    """Does one task from beginning to end. The three are Modal objects: handles to containers of their classes."""
    _log()
    settings = ModalSettings()

    def workers_for(options: TranscribeOptions) -> tuple[Transcriber, Workers]:
        transcribe, diarize = transcriber.transcribe.spawn, diarizer.diarize.spawn
        workers = fanout.RemoteWorkers(transcribe, diarize, settings.modal_max_gpus)
        return load(_planned(options, on_gpu=bool(settings.gpus))), workers

    # One process: slices as long as the engine likes. More of them for a short recording would save seconds and cost
    # the cold starts of as many containers.
    engines = Engines(workers_for, _RemoteReader(summarizer), processes=1)
    with HttpReports(task := task_from_json(task_json)) as reports:
        pipeline.run(task, reports, engines)


def prepare() -> None:
    """Loads what every slice needs, for a snapshot of the memory.

    Not the weights: while a snapshot is taken there is no GPU, and asking for one would settle that there is none.
    They are loaded with the first slice, where a failure reaches the person who waits.
    """
    _log()
    vad.speech(np.zeros(RATE, np.float32))


def transcribe(source: str, part: Slice, options: TranscribeOptions) -> SliceResult:
    """One slice, on this machine. Raises Invalid or Unavailable."""
    with _no_address_in_errors():
        return load(_chosen(options)).transcribe(source, part, options)


def diarize(source: str, options: TranscribeOptions) -> Diarization:
    """The speakers of the whole recording, on this machine. Raises Invalid or Unavailable."""
    engine = load_diarizer(choose_diarizer("auto"))
    with _no_address_in_errors():
        return engine.diarize(source, min_speakers=options.min_speakers, max_speakers=options.max_speakers)


def read(what: Literal["summary", "events"], segments: Sequence[Segment], wishes: Wishes) -> Any:
    """What a Reader answers to that. Raises Invalid or Unavailable."""
    _log()
    chosen = reader(Settings())
    return chosen.summary(segments, wishes) if what == "summary" else chosen.events(segments, wishes)


def download_models() -> None:
    """Fetches the speech model of the settings into the Hugging Face cache. Raises Unavailable."""
    _log()
    _chosen(TranscribeOptions())


def _chosen(options: TranscribeOptions) -> EngineChoice:
    settings = Settings()
    return choose(options.engine or settings.engine, options.model or settings.model)


def _planned(options: TranscribeOptions, *, on_gpu: bool) -> EngineChoice:
    """The choice that the transcribing containers will make. This one has their models, but not their GPU."""
    choice = _chosen(options)
    return replace(choice, device="cuda") if on_gpu and choice.engine == "faster-whisper" else choice


@contextmanager
def _no_address_in_errors() -> Iterator[None]:
    """Modal logs whatever a function raises, and the cause of ours quotes the signed address of the audio."""
    try:
        yield
    except HansardError as error:
        raise error from None


def _log() -> None:
    logging.basicConfig(level=Settings().log_level, format="%(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)


class _RemoteReader:
    """A Reader that asks a container of that class."""

    def __init__(self, summarizer: Any) -> None:
        self._summarizer = summarizer

    def summary(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[Summary, int]:
        return self._answer("summary", segments, wishes)

    def events(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[tuple[CalendarEvent, ...], int]:
        return self._answer("events", segments, wishes)

    def _answer(self, what: str, segments: Sequence[Segment], wishes: Wishes) -> Any:
        # Nobody reads single words, and without them ten hours fit into one message.
        spoken = [replace(segment, words=()) for segment in segments]
        try:
            return self._summarizer.read.remote(what, spoken, wishes)
        except HansardError:
            raise
        except Exception as error:  # whatever Modal or the other container raises
            raise fanout.broken(error) from error
