"""Who spoke when: what a diarizer does, which one is taken, and the embedded one that needs no model."""

import functools
import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from functions.gpu import vad
from functions.gpu.audio import RATE, decode, probe
from functions.gpu.clustering import PRIOR_SCATTER, Embedder, Steps, cluster, natural_space, windows
from functions.gpu.transcribe import no_progress
from functions.gpu.turns import label_steps, turns_of
from functions.gpu.voices import STEP, Listener, VoiceSteps
from shared.domain.errors import Invalid, Unavailable
from shared.domain.transcripts import Diarization, Span

ENGINES = ("auto", "acoustic", "pyannote")
SHORTEST_SILENCE, PAD = 0.2, 0.03  # finer than for recognition: turns are often only that far apart
# The middle of all voices, in units of PRIOR_SCATTER: measured on four synthesized recorded voices at three speeds and
# twelve formant ones (which count a quarter), pitch between women's and men's. Seen from there, unlike voices point in
# unlike directions. Cosine of the same voice in two recordings by one microphone: 0.96 and more; of two voices whose
# family is not in the mean: 0.29 in the middle, 0.80 at most. A telephone changes a voice beyond recognition.
USUAL_VOICE = np.array(
    (
        *(-0.1, 0.0, 3.0, -1.7, -1.6, -1.2, -2.2, -1.3, 0.5, 0.1, 0.6, -1.1),
        *(6.9, 7.8, 4.5, 4.9, 7.6, 5.8, 7.1, 6.9, 5.2, 8.4, 7.5, 6.7),
        74.5,
    )
)
log = logging.getLogger("hansard.engines")


class Diarizer(Protocol):
    """An engine that tells speakers apart."""

    @property
    def name(self) -> str:
        """What `Diarization.model` says."""
        ...

    def diarize(
        self,
        source: str,
        *,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        progress: Callable[[float], None] = no_progress,
    ) -> Diarization:
        """The turns of the whole of `source` (a path or an http(s) URL).

        `min_speakers` and `max_speakers` bound how many speakers are told apart. `progress` hears the finished share,
        0..1. Raises Invalid or Unavailable when the audio cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class DiarizerChoice:
    engine: str


def choose_diarizer(engine: str) -> DiarizerChoice:
    """Settles what to use, and says so in one log line. `engine` is auto, acoustic or pyannote.

    Raises Invalid for an unknown engine and Unavailable for one that is not installed.
    """
    if engine not in ENGINES:
        raise Invalid(f"There is no diarization engine “{engine}”. Known are: {', '.join(ENGINES)}.")
    if engine == "pyannote":
        if importlib.util.find_spec("pyannote.audio") is None:
            raise Unavailable("The diarization engine pyannote is not installed (pip install hansard[pyannote]).")
        raise Unavailable("The diarization engine pyannote cannot be used yet.")
    log.info("speakers: acoustic (%s)", "it was asked for" if engine == "acoustic" else "it needs no model")
    return DiarizerChoice("acoustic")


@functools.lru_cache(maxsize=2)
def load_diarizer(choice: DiarizerChoice) -> Diarizer:
    """The engine itself; loaded once per process. Raises Unavailable when its parts are not there."""
    if choice.engine != "acoustic":
        raise Unavailable(f"The diarization engine {choice.engine} cannot be used yet.")
    return AcousticDiarizer()


class AcousticDiarizer:
    """Clusters what voices sound like (spectral shape, its variation, pitch), and follows the result step by step.

    Reads the recording once as a stream and keeps 0.1 kB per 0.1 s.
    """

    name = "acoustic"
    voice_kind = "acoustic-v2"

    def diarize(
        self,
        source: str,
        *,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
        progress: Callable[[float], None] = no_progress,
    ) -> Diarization:
        if min_speakers and max_speakers and min_speakers > max_speakers:
            raise Invalid("The least number of speakers is larger than the greatest.")
        steps, spoken = _listen(source, progress)
        stretches = _stretches(spoken, len(steps))
        if not stretches:
            return Diarization((), self.name, (), self.voice_kind)
        embed = Embedder(steps, stretches)
        ranges = windows(stretches)
        embeddings = embed(ranges)
        space = natural_space(embeddings, ranges)
        centroids = np.array(cluster(space(embeddings), min_speakers or 1, max_speakers))
        labels = label_steps(stretches, embed, space, centroids, least=min(min_speakers or 1, len(centroids)))
        turns, order = turns_of(labels, steps, stretches, spoken)
        progress(1.0)
        return Diarization(turns, self.name, _voices(labels, order, embed, ranges), self.voice_kind)


def _listen(source: str, progress: Callable[[float], None]) -> tuple[VoiceSteps, list[Span]]:
    duration = probe(source).duration
    detector, listener = vad.Detector(), Listener()
    found, heard = [], 0
    for block in decode(source):
        found.append(detector.feed(block))
        listener.feed(block)
        heard += len(block)
        progress(min(0.95, heard / RATE / duration))
    found.append(detector.finish())
    spoken = vad.spans(np.concatenate(found), heard / RATE, silence=SHORTEST_SILENCE, pad=PAD)
    return listener.finish(), spoken


def _stretches(spoken: list[Span], count: int) -> list[Steps]:
    """The steps of each span of speech, at least one each, none in two."""
    found: list[Steps] = []
    free = 0
    for span in spoken:
        begin = max(free, min(round(span.start / STEP), count - 1))
        end = min(count, max(begin + 1, round(span.end / STEP)))
        if begin < end:
            found.append((begin, end))
            free = end
        else:
            found.append((begin, begin))
    return found


def _voices(labels: np.ndarray, order: list[int], embed: Embedder, ranges: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """What sets each speaker apart from the usual voice, in units of a voice's scatter, over windows all theirs."""
    found = []
    for speaker in order:
        own = [bool((labels[begin:end] == speaker).all()) for begin, end in ranges]
        used = ranges[own] if any(own) else _ranges_of(labels == speaker)
        voice = embed(used).mean(axis=0) / PRIOR_SCATTER - USUAL_VOICE
        found.append(tuple(float(value) for value in voice.round(4)))
    return tuple(found)


def _ranges_of(mask: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(int), 1)))
    return edges.reshape(-1, 2)
