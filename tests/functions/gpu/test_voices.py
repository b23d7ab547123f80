"""What a voice sounds like, on sounds whose pitch is known."""

import numpy as np
import pytest

from functions.gpu.audio import RATE
from functions.gpu.voices import COEFFICIENTS, Listener, VoiceSteps


def listen(*blocks: np.ndarray) -> VoiceSteps:
    listener = Listener()
    for block in blocks:
        listener.feed(block.astype(np.float32))
    return listener.finish()


@pytest.mark.parametrize("hertz", [80.0, 120.0, 210.0, 330.0])
def test_the_pitch_of_a_buzz(hertz: float) -> None:
    at = np.arange(2 * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * hertz * harmonic * at) / harmonic for harmonic in range(1, 12))
    pitch = listen(0.1 * np.asarray(buzz)).pitch[1:-1]
    assert (2**pitch).round(0) == pytest.approx(hertz, rel=0.03)


def test_noise_has_no_pitch() -> None:
    pitch = listen(np.random.default_rng(1).normal(0, 0.1, 3 * RATE)).pitch
    assert (pitch == 0).mean() > 0.95


def test_loudness_changes_the_loudness_only(sound: np.ndarray) -> None:
    part = sound[RATE : 4 * RATE]
    loud, soft = listen(part), listen(0.5 * part)
    speech = loud.loudness > loud.loudness.max() - 4
    assert np.abs(loud.shape[speech] - soft.shape[speech]).mean() < 0.05
    assert (loud.loudness - soft.loudness)[speech] == pytest.approx(np.log(4), abs=0.01)


def test_a_stream_is_heard_like_the_whole(sound: np.ndarray) -> None:
    long = np.tile(sound, 2)
    whole, pieces = listen(long), listen(*np.array_split(long, 17))
    assert len(whole) == len(pieces) == -(-len(long) // 1600)
    for name in ("shape", "spread", "loudness", "pitch"):
        assert np.allclose(getattr(whole, name), getattr(pieces, name), atol=1e-5)


def test_nothing_gives_no_steps() -> None:
    assert listen().shape.shape == (0, COEFFICIENTS)
