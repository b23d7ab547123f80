"""Voices among made-up embeddings: how many, and that time grows with the length and no faster."""

import time

import numpy as np
import pytest

from functions.gpu.clustering import DIMENSIONS, PRIOR_SCATTER, cluster, natural_space, windows


def points(voices: int, each: int, apart: float = 8.0, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    centers = chance.normal(0, 1, (voices, DIMENSIONS))
    centers *= apart / np.sqrt(2 * DIMENSIONS)
    order = chance.permutation(np.repeat(np.arange(voices), each))
    return centers[order] + chance.normal(0, 1, (len(order), DIMENSIONS))


@pytest.mark.parametrize("voices", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("each", [15, 400])
def test_as_many_voices_as_there_are(voices: int, each: int) -> None:
    assert len(cluster(points(voices, each, apart=9.0))) == voices


def test_a_few_strange_windows_are_no_voice() -> None:
    found = np.concatenate([points(2, 60), np.full((3, DIMENSIONS), 20.0)])
    assert len(cluster(found)) == 2


@pytest.mark.parametrize(("least", "most", "found"), [(4, 4, 4), (1, 2, 2), (5, None, 5), (1, 1, 1)])
def test_bounds_are_kept(least: int, most: int | None, found: int) -> None:
    assert len(cluster(points(3, 50), least, most)) == found


def test_a_single_window_is_a_voice() -> None:
    assert len(cluster(np.zeros((1, DIMENSIONS)))) == 1
    assert len(cluster(np.zeros((1, DIMENSIONS)), 2, 2)) == 1


def test_ten_hours_take_ten_times_as_long_as_one() -> None:
    def seconds(count: int) -> float:
        found = points(4, count // 4)
        begun = time.perf_counter()
        assert len(cluster(found)) == 4
        return time.perf_counter() - begun

    cluster(points(2, 50))  # imports
    assert seconds(72_000) < 25 * seconds(7_200)


def test_windows_cover_stretches_and_cross_none() -> None:
    found = windows([(0, 40), (50, 64), (70, 73)])
    assert {tuple(window) for window in found} >= {(0, 15), (25, 40), (50, 64)}
    assert all(end <= 40 or begin >= 50 for begin, end in found)
    assert not any(begin >= 70 for begin, _ in found)  # too short to tell a voice
    assert windows([(3, 6)]).tolist() == [[3, 6]]


def test_scatter_is_measured_between_neighbours() -> None:
    chance = np.random.default_rng(3)
    ranges = np.array([(at, at + 15) for at in range(0, 3000, 15)])
    quiet = 0.3 * PRIOR_SCATTER
    embeddings = chance.normal(0, 1, (len(ranges), DIMENSIONS)) * quiet
    embeddings[100:] += 3 * PRIOR_SCATTER  # another speaker: far away, but only one change
    white = natural_space(embeddings, ranges)(embeddings)
    assert np.linalg.norm(white[:100].mean(axis=0) - white[100:].mean(axis=0)) > 15
