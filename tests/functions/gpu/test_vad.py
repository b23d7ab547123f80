"""The real voice detector on speech, silence and noise."""

import itertools
from typing import Any

import numpy as np
import pytest

from functions.gpu.audio import RATE
from functions.gpu.vad import Detector, probabilities, spans, speech


def test_speech_is_found_where_it_is(sound: np.ndarray, truth: list[dict[str, Any]]) -> None:
    found = speech(sound)
    spoken = np.zeros(len(sound), bool)
    for span in found:
        spoken[round(span.start * RATE) : round(span.end * RATE)] = True
    for turn in truth:
        assert spoken[round(turn["start"] * RATE) : round(turn["end"] * RATE)].mean() > 0.93
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))
    assert found[0].start >= 0.0
    assert found[-1].end <= len(sound) / RATE


def test_offset_moves_the_times(sound: np.ndarray) -> None:
    plain, moved = speech(sound[: 8 * RATE]), speech(sound[: 8 * RATE], offset=100.0)
    assert [(span.start + 100.0, span.end + 100.0) for span in plain] == [(span.start, span.end) for span in moved]


def test_a_pause_splits(sound: np.ndarray) -> None:
    word = sound[2 * RATE : 3 * RATE]
    found = speech(np.concatenate([word, np.zeros(2 * RATE, np.float32), word]))
    assert len(found) == 2
    assert found[0].end < 1.5
    assert found[1].start > 2.5


_NOISE = np.random.default_rng(5)
QUIET = {
    "empty": np.zeros(0),
    "zeros": np.zeros(10 * RATE),
    "one sample": np.zeros(1),
    "white noise": _NOISE.normal(0, 0.05, 10 * RATE),
    "faint noise": _NOISE.normal(0, 0.0005, 10 * RATE),
    "rumble": np.cumsum(_NOISE.normal(0, 0.003, 10 * RATE)).clip(-1, 1),
    "hum": 0.2 * np.sign(np.sin(np.arange(10 * RATE) * 2 * np.pi * 50 / RATE)),
    "clicks": (_NOISE.random(10 * RATE) < 0.0002) * 0.9,
}


@pytest.mark.parametrize("name", QUIET)
def test_no_speech_in_what_is_none(name: str) -> None:
    assert speech(QUIET[name].astype(np.float32)) == []


def test_a_stream_is_heard_like_the_whole(sound: np.ndarray) -> None:
    part = sound[: 7 * RATE + 123]
    whole = probabilities(part)
    detector = Detector()
    pieces = [detector.feed(block) for block in np.array_split(part, 13)]
    assert np.allclose(np.concatenate([*pieces, detector.finish()]), whole, atol=1e-6)
    assert len(whole) == -(-len(part) // 512)


def test_the_library_hears_the_same(sound: np.ndarray) -> None:
    from faster_whisper.vad import get_vad_model

    part = sound[: 512 * 300].copy()  # the library writes into what it gets
    ours = probabilities(part)
    assert np.allclose(ours, get_vad_model()(part).reshape(-1), atol=1e-3)


def test_pauses_shorter_than_asked_do_not_split() -> None:
    found = np.array([0.9] * 20 + [0.1] * 8 + [0.9] * 20)
    assert len(spans(found, 48 * 0.032, silence=0.2)) == 2
    assert len(spans(found, 48 * 0.032, silence=0.4)) == 1
