"""faster-whisper as an engine: finding its models, and its batched pipeline on our own windows of speech."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment as WhisperSegment
from faster_whisper.utils import download_model
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from functions.gpu.audio import RATE, load
from functions.gpu.slices import pack
from functions.gpu.transcribe import EngineChoice, no_progress
from functions.gpu.vad import speech
from shared.domain.errors import Invalid, Unavailable
from shared.domain.models import resolve_model
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice, SliceResult, Span, Word

GPU_MODEL, CPU_MODEL = "large-v3-turbo", "base"
# Whisper's own marks of a failed decoding (Radford et al. 2022, section 4.5): text that repeats itself, and text that
# the model does not believe.
REPETITIVE, UNLIKELY = 2.4, -1.0
FALLBACK_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SILENCE_SLACK = 0.5  # word times are that inexact; a word further inside a pause was never said


def fitting_device() -> tuple[str, str]:
    """The device and the compute type to run on: half precision on a GPU that has it, 8 bit on a CPU."""
    if ctranslate2.get_cuda_device_count() == 0:
        return "cpu", "int8"
    supported = ctranslate2.get_supported_compute_types("cuda")
    return "cuda", "float16" if "float16" in supported else "float32"


def default_model(device: str) -> str:
    return GPU_MODEL if device == "cuda" else CPU_MODEL


def find_model(name: str, *, fetch: bool) -> tuple[str, str]:
    """Where the model `name` (a directory or a name of the table) lies, and what to call it; fetched if need be.

    Raises Invalid for a name nobody knows and Unavailable for one that is not here and may not or cannot be fetched.
    """
    if (Path(name) / "model.bin").is_file():
        folder = Path(name).resolve()
        return str(folder), folder.name
    model = resolve_model(name)
    try:
        return download_model(model, local_files_only=True), model
    except LocalEntryNotFoundError:
        if not fetch:
            raise Unavailable(f"the model {model} is not on this machine.") from None
    try:
        return download_model(model), model
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise Unavailable(f"The speech model {model} is not on this machine and cannot be fetched.") from error


class WhisperTranscriber:
    """Packs the speech of a slice into windows of at most 30 s and decodes them in batches."""

    def __init__(self, choice: EngineChoice) -> None:
        self.name = f"faster-whisper {choice.model}"
        on_gpu = choice.device == "cuda"
        self.slice_seconds = 600.0 if on_gpu else 120.0
        self._batch_size = 16 if on_gpu else 4
        self._choice = choice

    @cached_property
    def _model(self) -> WhisperModel:
        """Loaded by the processes that decode; the one that plans their work needs none. Raises Unavailable."""
        choice = self._choice
        try:
            model = WhisperModel(choice.place, device=choice.device, compute_type=choice.compute_type)
        except (RuntimeError, ValueError, OSError) as error:
            raise Unavailable(f"The speech model {choice.model} cannot be loaded: {error}") from error
        model.max_length = _most_tokens(choice.place) or model.max_length
        return model

    @cached_property
    def _pipeline(self) -> BatchedInferencePipeline:
        return BatchedInferencePipeline(self._model)

    def transcribe(
        self, source: str, part: Slice, options: TranscribeOptions, progress: Callable[[float], None] = no_progress
    ) -> SliceResult:
        samples = load(source, part.start, part.end)
        spoken = speech(samples)
        if not spoken:  # Whisper invents sentences for silence
            progress(1.0)
            return SliceResult(part.index, (), 0.0, self._known_language(options))
        segments, language = self._segments(samples, pack(spoken, samples=samples), options)
        words: list[Word] = []
        for offset, segment in segments:
            words += _words(segment, offset, spoken, part.start)
            progress(min(1.0, (offset + segment.end) * RATE / len(samples)))
        progress(1.0)
        words.sort(key=lambda word: word.start)
        return SliceResult(part.index, tuple(words), sum(span.end - span.start for span in spoken), language)

    def warnings(
        self,
        results: Sequence[SliceResult],
        options: TranscribeOptions,
    ) -> tuple[str, ...]:
        asked = _primary(options.language)
        # What the slices were decoded in tells; the model itself is loaded only where slices are decoded.
        if asked not in (None, "en") and any(result.language == "en" for result in results):
            return (f"The model {self.name} knows only English; the language “{options.language}” was not used.",)
        return ()

    def _known_language(self, options: TranscribeOptions) -> str | None:
        return _primary(options.language) if self._model.model.is_multilingual else "en"

    def _segments(
        self, samples: np.ndarray, windows: list[Span], options: TranscribeOptions
    ) -> tuple[Iterator[tuple[float, WhisperSegment]], str]:
        """Segments, each with what its times count from, and the language."""
        try:
            segments, info = self._pipeline.transcribe(
                samples,
                language=self._known_language(options),
                clip_timestamps=[{"start": window.start, "end": window.end} for window in windows],
                vad_filter=False,
                word_timestamps=True,
                batch_size=self._batch_size,
                initial_prompt=options.initial_prompt,
                hotwords=options.hotwords,
            )
        except ValueError as error:  # an unknown language code
            raise Invalid(f"The speech model cannot use these options: {error}") from error
        return self._repaired(segments, samples, windows, info.language, options), info.language

    def _repaired(
        self,
        segments: Iterable[WhisperSegment],
        samples: np.ndarray,
        windows: list[Span],
        language: str,
        options: TranscribeOptions,
    ) -> Iterator[tuple[float, WhisperSegment]]:
        """Passes good segments on and decodes windows that failed again, one by one and less greedily."""
        again: set[Span] = set()
        for segment in segments:
            if segment.compression_ratio <= REPETITIVE and segment.avg_logprob >= UNLIKELY:
                yield 0.0, segment
            else:
                again.add(_window_of(segment, windows))
        for window in sorted(again, key=lambda window: window.start):
            own = samples[round(window.start * RATE) : round(window.end * RATE)]
            for segment in self._again(own, language, options):
                yield window.start, segment

    def _again(self, samples: np.ndarray, language: str, options: TranscribeOptions) -> Iterator[WhisperSegment]:
        # The batched pipeline has no fallback to higher temperatures; the sequential one has.
        segments, _ = self._model.transcribe(
            samples,
            language=language,
            temperature=FALLBACK_TEMPERATURES,
            condition_on_previous_text=False,
            word_timestamps=True,
            initial_prompt=options.initial_prompt,
            hotwords=options.hotwords,
        )
        yield from (segment for segment in segments if segment.compression_ratio <= REPETITIVE)


def _most_tokens(place: str) -> int | None:
    """The length of the decoder's context if the model's config.json says one: faster-whisper takes 448 for granted."""
    return json.loads((Path(place) / "config.json").read_text(encoding="utf-8")).get("max_length")


def _window_of(segment: WhisperSegment, windows: list[Span]) -> Span:
    return min(windows, key=lambda window: abs((window.start + window.end) - (segment.start + segment.end)))


def _words(segment: WhisperSegment, offset: float, spoken: list[Span], beginning: float) -> Iterator[Word]:
    """The words of `segment` that lie in speech; its times count from `offset` in a slice from `beginning` on."""
    for word in segment.words or ():
        start, end = float(offset + word.start), float(offset + max(word.start, word.end))
        text = word.word.strip()
        if text and any(start < span.end + SILENCE_SLACK and end > span.start - SILENCE_SLACK for span in spoken):
            confidence = round(float(min(1.0, max(0.0, word.probability))), 3)
            yield Word(text, round(beginning + start, 3), round(beginning + end, 3), confidence)


def _primary(language: str | None) -> str | None:
    """`en-US` -> `en`: Whisper's languages have no regions."""
    return language.replace("_", "-").split("-")[0].lower() if language else None
