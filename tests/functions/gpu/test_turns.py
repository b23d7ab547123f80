"""Clean borders between speakers."""

import numpy as np

from functions.gpu.turns import _viterbi, turns_of
from functions.gpu.voices import COEFFICIENTS, VoiceSteps
from shared.domain.transcripts import Span, Turn


def steps(loudness: np.ndarray) -> VoiceSteps:
    empty = np.zeros((len(loudness), COEFFICIENTS), np.float32)
    return VoiceSteps(empty, empty, loudness.astype(np.float32), np.zeros(len(loudness), np.float32))


def test_a_change_must_be_worth_its_cost() -> None:
    likelihood = np.zeros((30, 2))
    likelihood[:, 1] = -0.5
    likelihood[10:12, 1] = 1.0  # a blip
    likelihood[20:, 1] = 2.0
    path = _viterbi(likelihood, np.full(30, 4.0))
    assert path.tolist() == [0] * 20 + [1] * 10
    assert _viterbi(likelihood, np.zeros(30)).tolist() == [0] * 10 + [1] * 2 + [0] * 8 + [1] * 10


def test_speakers_are_numbered_by_first_appearance() -> None:
    labels = np.array([2] * 10 + [-1] * 10 + [0] * 10)
    turns, order = turns_of(labels, steps(np.ones(30)), [(0, 10), (20, 30)], [Span(0.02, 1.01), Span(1.98, 3.0)])
    assert turns == (Turn(0.02, 1.01, 0), Turn(1.98, 3.0, 1))
    assert order == [2, 0]


def test_the_same_speaker_goes_on_over_a_short_pause_only() -> None:
    labels = np.zeros(60, int)
    spoken = [Span(0.0, 1.0), Span(1.4, 2.0), Span(4.0, 5.0)]
    turns, _ = turns_of(labels, steps(np.ones(60)), [(0, 10), (14, 20), (40, 50)], spoken)
    assert turns == (Turn(0.0, 2.0, 0), Turn(4.0, 5.0, 0))


def test_a_change_inside_speech_moves_to_the_quiet_moment() -> None:
    labels = np.array([0] * 15 + [1] * 15)
    loudness = np.full(30, 5.0)
    loudness[13] = 0.0
    turns, _ = turns_of(labels, steps(loudness), [(0, 30)], [Span(0.0, 3.0)])
    assert turns == (Turn(0.0, 1.35, 0), Turn(1.35, 3.0, 1))
    even, _ = turns_of(labels, steps(np.full(30, 5.0)), [(0, 30)], [Span(0.0, 3.0)])
    assert even == (Turn(0.0, 1.5, 0), Turn(1.5, 3.0, 1))
