"""Which stretches of speech are the same voice: embeddings of windows, their natural scatter, and clusters of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from functions.gpu.voices import COEFFICIENTS, VoiceSteps

Steps = tuple[int, int]  # a half-open range of steps of 0.1 s

WINDOW, HOP = 15, 5  # steps per embedding: enough phonemes to tell a voice, short enough for a turn
SHORTEST = 12  # steps; shorter windows say more about their sounds than about the voice
QUIET = 5.0  # steps this much (log energy) below the loudest of their stretch are left out
DIMENSIONS = 2 * COEFFICIENTS + 1
# How far windows of one voice scatter (standard deviation per dimension: cepstral means, cepstral deviations, log2
# pitch), measured on nine synthetic and two human voices. A recording's own scatter is mixed with it like one of
# PRIOR_WEIGHT further observations.
PRIOR_SCATTER = 1.2 * np.array(
    (
        *(1.54, 0.75, 1.16, 0.74, 0.59, 0.61, 0.48, 0.43, 0.35, 0.37, 0.26, 0.27),
        *(1.12, 0.42, 0.78, 0.53, 0.27, 0.33, 0.24, 0.21, 0.25, 0.14, 0.14, 0.15),
        0.08,
    )
)
PRIOR_WEIGHT = 60
MOST_SCATTER = 1.3  # times the prior
FLOOR = np.array([0.25] * (DIMENSIONS - 1) + [0.03])
# Centroids nearer than this, in units of that scatter, are one voice. On 29 recordings of 1 to 5 voices the nearest
# two voices were 4.6 apart, and the halves of one voice at most 4.2.
SAME_VOICE = 4.5
SMALLEST_CLUSTER = 6  # windows; less is an outlier, not a speaker
RARE_SHARE, RARE_DISTANCE = 0.05, 1.3
STRANGE = 2 * SAME_VOICE  # outliers further away than this are left out of the mean of the voice they go to
RUN, RUN_CLUSTERS = 800, 12  # windows that are clustered at once, and into how many at first
OVERLAP = WINDOW / HOP


@dataclass(frozen=True, slots=True)
class Space:
    """Where embeddings of one recording are compared: `(embedding - center) @ whitener`, scatter of a voice being 1."""

    center: np.ndarray
    whitener: np.ndarray

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        return (embeddings - self.center) @ self.whitener


class Embedder:
    """Embeddings of any ranges of steps in constant time each, by running sums."""

    def __init__(self, steps: VoiceSteps, stretches: Sequence[Steps]) -> None:
        weight = np.zeros(len(steps))
        for begin, end in stretches:
            loudness = steps.loudness[begin:end]
            weight[begin:end] = 0.01 + (loudness >= loudness.max() - QUIET)
        voiced = (steps.pitch > 0) & (weight > 0)
        self._sums = np.zeros((len(steps) + 1, 3 + 2 * COEFFICIENTS))
        rows = self._sums[1:]
        rows[:, 0], rows[:, 1], rows[:, 2] = weight, voiced, steps.pitch * voiced
        np.multiply(steps.shape, weight[:, None], out=rows[:, 3 : 3 + COEFFICIENTS])
        np.multiply(steps.spread, weight[:, None], out=rows[:, 3 + COEFFICIENTS :])
        np.cumsum(rows, axis=0, out=rows)
        self._usual_pitch = float(np.median(steps.pitch[voiced])) if voiced.any() else 7.0

    def __call__(self, ranges: np.ndarray) -> np.ndarray:
        """Cepstral means, cepstral deviations and mean log2 pitch of each range: (len(ranges), 25)."""
        sums = self._sums[ranges[:, 1]] - self._sums[ranges[:, 0]]
        weight, voiced, pitch, shape, spread = np.split(sums, [1, 2, 3, 3 + COEFFICIENTS], axis=1)
        mean = shape / np.maximum(weight, 1e-9)
        deviation = np.sqrt(np.maximum(spread / np.maximum(weight, 1e-9) - mean**2, 0.0))
        pitch = np.where(voiced >= 2, pitch / np.maximum(voiced, 1.0), self._usual_pitch)
        return np.concatenate([mean, deviation, pitch], axis=1)


def windows(stretches: Sequence[Steps]) -> np.ndarray:
    """Overlapping windows over stretches of speech, none across two: int (windows, 2)."""
    found: list[Steps] = []
    for begin, end in stretches:
        if end - begin <= WINDOW:
            found.append((begin, end))
            continue
        count = -(-(end - begin - WINDOW) // HOP) + 1
        found += [(int(at), int(at) + WINDOW) for at in np.linspace(begin, end - WINDOW, count).round()]
    long = [window for window in found if window[1] - window[0] >= SHORTEST]
    return np.array(long if len(long) >= 2 else found, int).reshape(-1, 2)


def natural_space(embeddings: np.ndarray, ranges: np.ndarray) -> Space:
    """Measures how one voice scatters in this recording (within-class covariance normalization, Hatch et al. 2006).

    Without labels the classes are neighbours in time: two windows that follow each other within a second are mostly
    the same voice saying something else. The largest fifth of the differences, where speakers change, is left out.
    """
    prior = np.diag(PRIOR_SCATTER**2)
    differences = _neighbour_differences(embeddings, ranges)
    count = len(differences)
    own = differences.T @ differences / count / 2 if count else prior
    # More than a voice can scatter comes from speakers who follow each other without a pause.
    excess = np.minimum(1.0, MOST_SCATTER * PRIOR_SCATTER / np.sqrt(np.maximum(np.diag(own), 1e-9)))
    own = own * np.outer(excess, excess)
    scatter = (count * own + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)
    # Half of the correlations: all of them would be fitted to too few windows.
    scatter = 0.5 * scatter + 0.5 * np.diag(np.diag(scatter)) + np.diag(FLOOR**2)
    return Space(embeddings.mean(axis=0), np.linalg.cholesky(np.linalg.inv(scatter)))


def _neighbour_differences(embeddings: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    found = []
    for ahead in range(1, 8):
        gap = ranges[ahead:, 0] - ranges[:-ahead, 1] if ahead < len(ranges) else np.zeros(0)
        found.append((embeddings[ahead:] - embeddings[:-ahead])[(gap >= 0) & (gap <= 10)])
    differences = np.concatenate(found)
    if not len(differences):
        return differences
    size = (differences**2 / np.maximum(np.median(differences**2, axis=0), 1e-9)).mean(axis=1)
    return differences[size <= np.quantile(size, 0.8)]


def cluster(points: np.ndarray, at_least: int = 1, at_most: int | None = None) -> list[np.ndarray]:
    """Centroids of the voices among whitened embeddings, each (25,).

    Runs of 800 windows are over-clustered (Ward), and the clusters of all runs merged while the nearest two are one
    voice: linear in the length of the recording, after NeMo's LongFormSpeakerClustering.
    """
    centroids, sizes = [], []
    for begin in range(0, len(points), RUN):
        run = points[begin : begin + RUN]
        labels = _ward(run, max(RUN_CLUSTERS, 2 * at_least))
        for label in np.unique(labels):
            centroids.append(run[labels == label].mean(axis=0))
            sizes.append(int((labels == label).sum()))
    return _merged(np.array(centroids), np.array(sizes, float), at_least, at_most or len(points))


def _ward(points: np.ndarray, count: int) -> np.ndarray:
    # scipy takes a third of a second to import: only those who cluster pay it.
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(points) < 2:
        return np.zeros(len(points), int)
    return fcluster(linkage(points, "ward"), min(count, len(points)), "maxclust")


def _merged(centroids: np.ndarray, sizes: np.ndarray, at_least: int, at_most: int) -> list[np.ndarray]:
    distances = np.array([_distances(centroids, sizes, i) for i in range(len(centroids))])
    alive = np.ones(len(centroids), bool)
    while alive.sum() > max(1, at_least):
        smallest = int(np.argmin(np.where(alive, sizes, np.inf)))
        if sizes[smallest] < SMALLEST_CLUSTER:
            keep, drop = int(np.argmin(distances[smallest])), smallest
        else:
            keep, drop = np.unravel_index(np.argmin(distances), distances.shape)
            if distances[keep, drop] > SAME_VOICE**2 and alive.sum() <= at_most:
                break
        if distances[keep, drop] <= STRANGE**2 or sizes[drop] >= SMALLEST_CLUSTER:
            total = sizes[keep] + sizes[drop]
            centroids[keep] = (centroids[keep] * sizes[keep] + centroids[drop] * sizes[drop]) / total
            sizes[keep] = total
        alive[drop], sizes[drop] = False, 0.0
        distances[drop], distances[:, drop] = np.inf, np.inf
        renewed = np.where(alive, _distances(centroids, sizes, int(keep)), np.inf)
        distances[keep], distances[:, keep] = renewed, renewed
    return list(centroids[alive])


def _distances(centroids: np.ndarray, sizes: np.ndarray, i: int) -> np.ndarray:
    """Squared distances from centroid i, less what chance alone puts between means of so few windows.

    What is rare must lie further off to be a voice of its own: in hours of talk even odd moments of one voice add up.
    """
    squared = ((centroids - centroids[i]) ** 2).sum(axis=1)
    independent = np.maximum(1.0, sizes / OVERLAP)
    found = squared - centroids.shape[1] * (1 / independent + 1 / independent[i])
    rare = np.minimum(sizes, sizes[i]) < RARE_SHARE * sizes.sum()
    found[rare] /= RARE_DISTANCE**2
    found[i] = np.inf
    return found
