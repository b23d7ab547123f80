"""Seams in real silences, and windows that fit."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.audio import RATE
from functions.gpu.slices import grid_points, pack, plan, quietest, slices
from shared.domain.transcripts import Slice, Span
from tests.functions.gpu.conftest import MakeMedia


@pytest.mark.parametrize("slice_seconds", [12.0, 15.0, 20.0, 30.0])
def test_seams_lie_between_the_turns(sample: str, truth: list[dict[str, Any]], slice_seconds: float) -> None:
    seams = plan(sample, 54.4602, slice_seconds)
    assert (seams[0], seams[-1]) == (0.0, 54.4602)
    assert len(seams) >= 3
    for seam in seams[1:-1]:
        assert not any(turn["start"] + 0.15 < seam < turn["end"] - 0.15 for turn in truth) or _pause(truth, seam)
    assert seams == plan(sample, 54.4602, slice_seconds)


def _pause(truth: list[dict[str, Any]], seam: float) -> bool:
    """Whether a sentence could end at `seam`: the turn there has several."""
    return any(turn["start"] < seam < turn["end"] and turn["text"].count(".") > 1 for turn in truth)


def test_a_seam_never_cuts_loud_sound(sample: str, sound: np.ndarray) -> None:
    usual = np.abs(sound).mean()
    for seam in plan(sample, 54.4602, 12.0)[1:-1]:
        around = sound[round((seam - 0.05) * RATE) : round((seam + 0.05) * RATE)]
        assert np.abs(around).mean() < 0.2 * usual


def test_without_a_silence_the_quietest_moment_is_taken(make_media: MakeMedia, sound: np.ndarray) -> None:
    word = sound[int(0.3 * RATE) : int(1.1 * RATE)]
    loud = np.tile(word, 30)
    dip = round(13.0 * RATE)
    loud[dip : dip + 2400] *= 0.001
    path = make_media("a.wav", loud, "pcm_s16le")
    assert plan(path, 24.0, 10.0, look_over=4.0)[1] == pytest.approx(13.075, abs=0.1)


def test_silence_alone_is_cut_in_its_middle(make_media: MakeMedia) -> None:
    path = make_media("a.wav", np.zeros(40 * RATE, np.float32), "pcm_s16le")
    assert plan(path, 40.0, 15.0) == (0.0, 17.5, 32.5, 40.0)


@given(st.floats(0.1, 40_000), st.sampled_from([30.0, 60.0, 600.0]))
def test_no_slice_is_tiny(duration: float, slice_seconds: float) -> None:
    points = [0.0, *grid_points(duration, slice_seconds), duration]
    lengths = np.diff(points)
    assert (lengths >= min(duration, slice_seconds / 2)).all()
    assert (lengths <= 1.5 * slice_seconds).all()


def test_slices_of_seams() -> None:
    assert slices((0.0, 5.0, 9.5)) == [Slice(0, 0.0, 5.0), Slice(1, 5.0, 9.5)]


def test_quietest_moment() -> None:
    samples = np.ones(RATE, np.float32)
    samples[8000:12000] = 0.0
    assert quietest(samples) == pytest.approx(0.625, abs=0.06)


def test_spans_are_packed_with_their_pauses() -> None:
    spans = [Span(0.0, 10.0), Span(11.0, 20.0), Span(21.0, 32.0), Span(40.0, 41.0)]
    assert pack(spans) == [Span(0.0, 20.0), Span(21.0, 32.0), Span(40.0, 41.0)]


def test_long_spans_are_cut_where_it_is_quiet() -> None:
    samples = np.ones(50 * RATE, np.float32)
    samples[int(22 * RATE) : int(22.5 * RATE)] = 0.0
    windows = pack([Span(100.0, 150.0)], samples=samples, offset=100.0)
    assert windows[0].end == pytest.approx(122.25, abs=0.2)
    assert windows[-1].end == 150.0
    assert all(window.end - window.start <= 30.0 for window in windows)


@given(st.lists(st.tuples(st.floats(0.05, 70), st.floats(0.05, 20)), max_size=40))
def test_packing_loses_nothing(lengths: list[tuple[float, float]]) -> None:
    spans, at = [], 0.0
    for length, pause in lengths:
        spans.append(Span(at, at + length))
        at += length + pause
    windows = pack(spans)
    assert all(window.end - window.start <= 30.0 + 1e-6 for window in windows)
    assert all(before.end <= after.start + 1e-9 for before, after in itertools.pairwise(windows))
    for span in spans:
        covered = sum(max(0.0, min(span.end, w.end) - max(span.start, w.start)) for w in windows)
        assert covered == pytest.approx(span.end - span.start, abs=1e-6)
