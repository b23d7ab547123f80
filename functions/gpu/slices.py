"""Where a recording is cut: seams between slices, and windows of speech inside a slice, both in silences."""

import numpy as np

from functions.gpu.audio import RATE, passages
from functions.gpu.vad import probabilities, spans
from shared.domain.transcripts import Slice, Span

CLEAR_SILENCE = 0.3  # seconds of silence that make a safe seam
SHORTEST_SILENCE = 0.1
LONGEST_WINDOW = 30.0  # what Whisper hears at once
LONGEST_INNER_SILENCE = 5.0  # a longer pause ends a window: it would only be silence to recognize
FRAME = 0.02  # seconds per value of the energy curve
SMOOTHING = 0.2  # seconds the energy is averaged over


def plan(source: str, duration: float, slice_seconds: float, look_over: float = 15.0) -> tuple[float, ...]:
    """The seams of `source`: slice i is [seams[i], seams[i + 1]), in seconds.

    Near each multiple of `slice_seconds` one seam lies in the middle of the longest silence of the next `look_over`
    seconds (at most a third of a slice). The same file always gets the same seams.
    """
    look_over = min(look_over, slice_seconds / 3)
    regions = [Span(grid, grid + look_over) for grid in grid_points(duration, slice_seconds)]
    seams = [seam(samples, region) for samples, region in zip(passages(source, regions), regions, strict=True)]
    return (0.0, *seams, duration)


def grid_points(duration: float, slice_seconds: float) -> list[float]:
    """Where seams are looked for: no seam comes so late that the last slice would be under half as long as others."""
    return [
        k * slice_seconds for k in range(1, int(duration / slice_seconds) + 1) if duration >= (k + 0.5) * slice_seconds
    ]


def slices(seams: tuple[float, ...]) -> list[Slice]:
    return [Slice(index, seams[index], seams[index + 1]) for index in range(len(seams) - 1)]


def seam(samples: np.ndarray, region: Span) -> float:
    """The best moment of `region` to cut at: in the longest silence of its `samples`, else where it is quietest."""
    start = region.start
    if not len(samples):
        return (start + region.end) / 2
    length = len(samples) / RATE
    spoken = spans(probabilities(samples), length, silence=SHORTEST_SILENCE, pad=0.0)
    silence = max(_silences(spoken, length), key=lambda span: span.end - span.start, default=None)
    if silence is not None and silence.end - silence.start >= CLEAR_SILENCE:
        return start + (silence.start + silence.end) / 2
    return start + quietest(samples)


def quietest(samples: np.ndarray) -> float:
    """The moment of least smoothed energy in `samples` (16 kHz mono), in seconds from their start."""
    step = round(FRAME * RATE)
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    if not len(frames):
        return len(samples) / RATE / 2
    energy = np.square(frames, dtype=np.float64).mean(axis=1)
    width = min(round(SMOOTHING / FRAME), len(energy))
    smooth = np.convolve(energy, np.ones(width) / width, mode="valid")
    return float((np.argmin(smooth) + width / 2) * FRAME)


def pack(
    spoken: list[Span], longest: float = LONGEST_WINDOW, samples: np.ndarray | None = None, offset: float = 0.0
) -> list[Span]:
    """Joins spans of speech into windows of at most `longest` seconds, with the pauses between them kept.

    A span that is longer is cut at the quietest moment of its second half, found in `samples` (16 kHz mono, the first
    at `offset` seconds), or without samples at `longest`. (The packing of whisperX, arXiv 2303.00747.)
    """
    windows: list[Span] = []
    for span in spoken:
        for piece in _shortened(span, longest, samples, offset):
            last = windows[-1] if windows else None
            near = last is not None and piece.start - last.end <= LONGEST_INNER_SILENCE
            if last is not None and near and piece.end - last.start <= longest:
                windows[-1] = Span(last.start, piece.end)
            else:
                windows.append(piece)
    return windows


def _shortened(span: Span, longest: float, samples: np.ndarray | None, offset: float) -> list[Span]:
    pieces = []
    while span.end - span.start > longest:
        cut = span.start + longest
        if samples is not None:
            half = span.start + longest / 2
            part = samples[round((half - offset) * RATE) : round((cut - offset) * RATE)]
            cut = half + quietest(part) if len(part) else cut
        pieces.append(Span(span.start, cut))
        span = Span(cut, span.end)
    return [*pieces, span]


def _silences(spoken: list[Span], duration: float) -> list[Span]:
    edges = [0.0, *(edge for span in spoken for edge in (span.start, span.end)), duration]
    return [Span(edges[i], edges[i + 1]) for i in range(0, len(edges), 2) if edges[i + 1] > edges[i]]
