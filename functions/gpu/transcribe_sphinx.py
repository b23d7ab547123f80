"""pocketsphinx as an engine: small, offline, US English (https://github.com/cmusphinx/pocketsphinx)."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import pocketsphinx

from functions.gpu.audio import RATE, load
from functions.gpu.slices import pack
from functions.gpu.transcribe import no_progress
from functions.gpu.vad import speech
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice, SliceResult, Span, Word

FRAMES_PER_SECOND = 100
# Mean word posterior below which speech is hardly English: synthetic German, French, Spanish, Italian, Dutch and Polish
# reach 0.21 to 0.40; synthetic English 0.44 (a robotic British voice) to 0.81, human English readers 0.71.
CERTAIN_ENGLISH = 0.42
FEWEST_WORDS = 10  # fewer say nothing
_VARIANT = re.compile(r"\(\d+\)$")  # the dictionary's mark of a second pronunciation: read(2)
_FIRST_PERSON = re.compile(r"^i(?='|$)")


class SphinxTranscriber:
    """Decodes every stretch of speech as one utterance with the US English model of the pocketsphinx wheel."""

    name = "pocketsphinx en-us"
    slice_seconds = 60.0

    @cached_property
    def _decoder(self) -> pocketsphinx.Decoder:
        """Made by the processes that decode; the one that plans their work needs none."""
        decoder = pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL")
        # The model's own settings say remove_noise; on recordings that are not noisy it costs a quarter more errors
        # (bench/evaluate.py), and what it is for, the pauses, has been cut away by the voice detector.
        decoder.config["remove_noise"] = False
        decoder.reinit_feat()
        return decoder

    def transcribe(
        self,
        source: str,
        part: Slice,
        options: TranscribeOptions,  # noqa: ARG002 (one language, one model: nothing to choose)
        progress: Callable[[float], None] = no_progress,
    ) -> SliceResult:
        samples = load(source, part.start, part.end)
        spoken = speech(samples, part.start)
        words: list[Word] = []
        for span in spoken:
            for window in pack([span], samples=samples, offset=part.start):
                words += self._decode(samples, window, part.start)
            progress(min(1.0, (span.end - part.start) / (part.end - part.start)))
        progress(1.0)
        return SliceResult(part.index, tuple(words), sum(span.end - span.start for span in spoken), "en")

    def warnings(self, results: Sequence[SliceResult], options: TranscribeOptions) -> tuple[str, ...]:
        language = (options.language or "en").lower().replace("_", "-").split("-")[0]
        if language not in ("en", "eng", "english"):
            return (f"The built-in recognizer knows only English; the language “{options.language}” was not used.",)
        words = [word for result in results for word in result.words]
        if len(words) >= FEWEST_WORDS and certainty(words) < CERTAIN_ENGLISH:
            return ("The built-in recognizer is unsure of most words: it knows only English, spoken clearly.",)
        return ()

    def _decode(self, samples: np.ndarray, window: Span, offset: float) -> Iterator[Word]:
        heard = samples[round((window.start - offset) * RATE) : round((window.end - offset) * RATE)]
        pcm = (np.clip(heard, -1.0, 1.0) * 32767).astype(np.int16).tobytes()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        for segment in self._decoder.seg() or ():
            if segment.word[0] in "<[+":  # silences and noises
                continue
            yield Word(
                text=clean(segment.word),
                start=round(window.start + segment.start_frame / FRAMES_PER_SECOND, 3),
                end=round(min(window.end, window.start + (segment.end_frame + 1) / FRAMES_PER_SECOND), 3),
                confidence=round(min(1.0, segment.prob), 3),
            )


def clean(word: str) -> str:
    """A word of the dictionary as people write it: `read(2)` -> `read`, `i'm` -> `I'm`."""
    return _FIRST_PERSON.sub("I", _VARIANT.sub("", word))


def certainty(words: Sequence[Word]) -> float:
    """The mean posterior of `words`, each counted by its duration: 0..1."""
    seconds = sum(word.end - word.start for word in words)
    return sum((word.confidence or 0.0) * (word.end - word.start) for word in words) / seconds if seconds else 0.0
