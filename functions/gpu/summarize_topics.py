"""Where one topic ends and the next begins."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

OPENING = 0.6
FLAT = 1e-6
LONGEST_BLOCK = 60


def topic_spans(
    terms: Sequence[Sequence[str]], starts: Sequence[float], duration: float, opening: Iterable[int]
) -> list[range]:
    """The segments of each topic, in order and without gaps.

    `terms[i]` are the stems of segment i, `starts[i]` is where it begins, in seconds; `opening` are the segments in
    which a speaker announces something new. TextTiling (Hearst 1997) on segments: a boundary stands where the words
    of the blocks on both sides differ most, compared with the peaks around; an announcement deepens the valley.
    An hour gives some 8 to 14 topics, growing with the root of the length.
    """
    count = len(terms)
    fewest, most = _how_many(count, duration)
    if count == 0 or most < 2:
        return [range(count)] if count else []
    block = max(2, min(LONGEST_BLOCK, count // (2 * most)))
    cohesion = _smooth(_cohesion(terms, block), block // 4)
    depths = _depths(cohesion)
    valleys = np.where(_lowest(cohesion), depths, 0.0)
    for segment in opening:
        if segment:
            valleys[segment - 1] += OPENING
    cutoff = float(depths.mean() - depths.std() / 2)
    times = [*starts, starts[0] + duration]
    edges = _edges(valleys, cutoff, times, duration / (2.5 * most), fewest, most)
    return [range(first, after) for first, after in pairwise(edges)]


def _how_many(segments: int, duration: float) -> tuple[int, int]:
    """The fewest and the most topics for a length in seconds."""
    minutes = duration / 60
    if segments < 6 or minutes < 0.5:
        return 1, 1 if segments < 4 else 2
    fewest = max(2, round(sqrt(minutes)))
    return min(fewest, segments // 3), min(2 + round(1.5 * sqrt(minutes)), segments // 2)


class _Block:
    """The terms of some neighbouring segments, weighted by rarity, with the squared length kept up to date."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.weights = weights
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.square = 0.0

    def add(self, terms: Iterable[str], times: int = 1) -> None:
        for term in terms:
            before = self.counts[term]
            self.counts[term] = before + times
            self.square += self.weights[term] * ((before + times) ** 2 - before**2)
            if before + times == 0:
                del self.counts[term]

    def cosine(self, other: "_Block") -> float:
        product = sum(
            self.weights[term] * count * other.counts[term]
            for term, count in self.counts.items()
            if term in other.counts
        )
        return product / sqrt(self.square * other.square) if product else 0.0


def _cohesion(terms: Sequence[Sequence[str]], block: int) -> Vector:
    """The cosine of the `block` segments before and after each gap; gap i lies between segments i and i + 1."""
    weights = _squared_idf(terms)
    before, after = _Block(weights), _Block(weights)
    for segment in terms[:block]:
        after.add(segment)
    cosines: list[float] = []
    for gap in range(len(terms) - 1):
        before.add(terms[gap])
        after.add(terms[gap], -1)
        if gap >= block:
            before.add(terms[gap - block], -1)
        if gap + block < len(terms):
            after.add(terms[gap + block])
        cosines.append(before.cosine(after))
    return np.array(cosines)


def _squared_idf(terms: Sequence[Sequence[str]]) -> dict[str, float]:
    spread: defaultdict[str, int] = defaultdict(int)
    for segment in terms:
        for term in set(segment):
            spread[term] += 1
    return {term: float(np.log(1 + len(terms) / times)) ** 2 for term, times in spread.items()}


def _smooth(values: Vector, reach: int) -> Vector:
    """The mean of each value and its neighbours within `reach`; the ends are extended."""
    if reach < 1:
        return values
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")


def _depths(cohesion: Vector) -> Vector:
    """How far each gap lies under the nearest peak on its left and on its right, both added."""
    return _climb(cohesion) + _climb(cohesion[::-1])[::-1] - 2 * cohesion


def _lowest(cohesion: Vector) -> NDArray[np.bool_]:
    """Whether a gap is the bottom of a valley."""
    around = np.pad(cohesion, 1, constant_values=np.inf)
    return (cohesion <= around[:-2]) & (cohesion <= around[2:])


def _climb(values: Vector) -> Vector:
    """The height of the peak that is reached from each position by going left uphill."""
    peaks = values.copy()
    for i in range(1, len(values)):
        if values[i - 1] >= values[i]:
            peaks[i] = peaks[i - 1]
    return peaks


def _edges(
    valleys: Vector, cutoff: float, times: Sequence[float], shortest: float, fewest: int, most: int
) -> list[int]:
    """First segments of all topics, and the end: the deepest valleys first, none too near to another.

    Hearst's cutoff (the mean depth minus half a deviation) ends the search, unless there are fewer than `fewest`
    topics; where no valley is left, nothing is cut.
    """
    edges = [0, len(times) - 1]
    for gap in np.argsort(-valleys, kind="stable"):
        segment = int(gap) + 1
        if valleys[gap] <= FLAT or len(edges) > most or (valleys[gap] < cutoff and len(edges) > fewest):
            break
        if all(abs(segment - edge) >= 2 and abs(times[segment] - times[edge]) >= shortest for edge in edges):
            edges.append(segment)
    return sorted(edges)
