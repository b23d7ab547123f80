"""Speech to text: what an engine does, and which engine is taken. The engines are in `transcribe_*.py`."""

import functools
import importlib.util
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice, SliceResult

ENGINES = ("auto", "pocketsphinx", "faster-whisper")
log = logging.getLogger("hansard.engines")


def no_progress(fraction: float) -> None:
    """Takes a share of 0..1 and does nothing with it."""


class Transcriber(Protocol):
    """An engine that turns one slice of a recording into words."""

    @property
    def name(self) -> str:
        """What `model_used` says."""
        ...

    @property
    def slice_seconds(self) -> float:
        """How long a slice this engine likes: worth a worker, and no great loss."""
        ...

    def transcribe(
        self, source: str, part: Slice, options: TranscribeOptions, progress: Callable[[float], None] = no_progress
    ) -> SliceResult:
        """The words spoken in `part` of `source` (a path or an http(s) URL), with times from the recording's start.

        `progress` hears the finished share, 0..1. Raises Invalid or Unavailable when the audio cannot be read.
        """
        ...

    def warnings(self, results: Sequence[SliceResult], options: TranscribeOptions) -> tuple[str, ...]:
        """What a person should know about how far to trust `results`, as sentences."""
        ...


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine with which model on which device; `place` is a local directory or a name to fetch the model by."""

    engine: str
    model: str
    place: str = ""
    device: str = "cpu"
    compute_type: str = ""


def choose(engine: str, model: str | None) -> EngineChoice:
    """Settles what to use, and says so in one log line. `engine` is auto, pocketsphinx or faster-whisper.

    `auto` is faster-whisper if its model is at hand or `model` names one that can be fetched, else pocketsphinx.
    Raises Invalid for an unknown engine or model and Unavailable for one that cannot be had: what was asked for by
    name is never replaced by something else.
    """
    if engine not in ENGINES:
        raise Invalid(f"There is no speech engine “{engine}”. Known are: {', '.join(ENGINES)}.")
    if engine == "pocketsphinx":
        return _announce(_pocketsphinx(model), "it was asked for")
    if engine == "faster-whisper":
        return _announce(_whisper(model, fetch=True), "it was asked for")
    if model:
        return _announce(_whisper(model, fetch=True), f"the model {model} was asked for")
    try:
        return _announce(_whisper(None, fetch=False), "its model is at hand")
    except Unavailable as missing:
        return _announce(_pocketsphinx(None), f"faster-whisper cannot be had: {missing}")


@functools.lru_cache(maxsize=2)
def load(choice: EngineChoice) -> Transcriber:
    """The engine itself; loaded once per process. Raises Unavailable when its parts are not there."""
    if choice.engine == "pocketsphinx":
        from functions.gpu.transcribe_sphinx import SphinxTranscriber

        return SphinxTranscriber()
    from functions.gpu.transcribe_whisper import WhisperTranscriber

    return WhisperTranscriber(choice)


def _announce(choice: EngineChoice, reason: str) -> EngineChoice:
    log.info("speech to text: %s, model %s on %s (%s)", choice.engine, choice.model, choice.device, reason)
    return choice


def _pocketsphinx(model: str | None) -> EngineChoice:
    if model not in (None, "en-us"):
        raise Invalid(f"pocketsphinx has the one model en-us, not “{model}”.")
    if importlib.util.find_spec("pocketsphinx") is None:
        raise Unavailable("The speech engine pocketsphinx is not installed.")
    return EngineChoice("pocketsphinx", "en-us")


def _whisper(model: str | None, *, fetch: bool) -> EngineChoice:
    if importlib.util.find_spec("faster_whisper") is None:
        raise Unavailable("The speech engine faster-whisper is not installed.")
    from functions.gpu.transcribe_whisper import default_model, find_model, fitting_device

    device, compute_type = fitting_device()
    name = model or default_model(device)
    place, name = find_model(name, fetch=fetch)
    return EngineChoice("faster-whisper", name, place, device, compute_type)
