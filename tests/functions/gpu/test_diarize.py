"""Who speaks in the sample and in meetings made of its voices."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from functions.gpu.audio import RATE
from functions.gpu.diarize import AcousticDiarizer, Diarizer, DiarizerChoice, choose_diarizer, load_diarizer
from shared.domain.errors import Invalid, Unavailable
from shared.domain.transcripts import Diarization, Turn
from tests.functions.gpu.conftest import MakeMedia

Meeting = tuple[np.ndarray, list[Turn]]


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return load_diarizer(choose_diarizer("auto"))


@pytest.fixture(scope="module")
def found(diarizer: Diarizer, sample: str) -> Diarization:
    return diarizer.diarize(sample)


@pytest.fixture
def meeting_of(sound: np.ndarray, truth: list[dict[str, Any]]) -> Callable[..., Meeting]:
    """Joins the voices' turns in the order asked for: `meeting_of("slt", "rms", …)`, each with its next turn."""

    def make(*voices: str, pause: float = 0.3) -> Meeting:
        pieces: list[np.ndarray] = []
        turns: list[Turn] = []
        at = 0
        for index, voice in enumerate(voices):
            own = [turn for turn in truth if turn["voice"] == voice]
            turn = own[voices[:index].count(voice) % len(own)]
            piece = sound[round(turn["start"] * RATE) : round(turn["end"] * RATE)]
            turns.append(Turn(at / RATE, (at + len(piece)) / RATE, list(dict.fromkeys(voices)).index(voice)))
            pieces += [piece, np.zeros(round(pause * RATE), np.float32)]
            at += len(piece) + len(pieces[-1])
        joined = np.concatenate(pieces)
        return joined + np.random.default_rng(7).normal(0, 0.0005, len(joined)).astype(np.float32), turns

    return make


def confusion(found: Diarization, turns: list[Turn]) -> float:
    """The share of the spoken time that is somebody else's, speakers being numbered by appearance in both."""
    right = wrong = 0.0
    for turn in turns:
        for other in found.turns:
            shared = max(0.0, min(turn.end, other.end) - max(turn.start, other.start))
            right, wrong = (right + shared, wrong) if turn.speaker == other.speaker else (right, wrong + shared)
    return wrong / (right + wrong)


def test_the_sample_has_three_speakers(found: Diarization, truth: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(turn["voice"] for turn in truth))
    turns = [Turn(turn["start"], turn["end"], names.index(turn["voice"])) for turn in truth]
    assert found.speakers == 3
    assert confusion(found, turns) < 0.02
    assert found.model == "acoustic"


def test_turns_begin_and_end_where_the_voices_do(found: Diarization, truth: list[dict[str, Any]]) -> None:
    assert len(found.turns) == len(truth)
    for turn, true in zip(found.turns, truth, strict=True):
        assert turn.start == pytest.approx(true["start"], abs=0.35)
        assert turn.end == pytest.approx(true["end"], abs=0.35)


def test_turns_are_in_order_and_do_not_overlap(found: Diarization) -> None:
    assert all(before.end <= after.start for before, after in zip(found.turns, found.turns[1:], strict=False))
    seen = list(dict.fromkeys(turn.speaker for turn in found.turns))
    assert seen == list(range(len(seen)))


def test_voices_tell_speakers_apart_across_recordings(
    diarizer: Diarizer, found: Diarization, make_media: MakeMedia, meeting_of: Callable[..., Meeting]
) -> None:
    samples, _ = meeting_of("awb", "rms", "awb", "rms")
    other = diarizer.diarize(make_media("a.wav", samples, "pcm_s16le"))
    assert found.voice_kind == other.voice_kind == "acoustic-v2"
    assert len(found.voices) == 3
    unit = [np.array(each.voices) / np.linalg.norm(each.voices, axis=1)[:, None] for each in (other, found)]
    likeness = unit[0] @ unit[1].T
    assert likeness.argmax(axis=1).tolist() == [2, 1]  # in the sample: slt, rms, awb
    same = [likeness[0, 2], likeness[1, 1]]
    assert min(same) > 0.8, "the same voice passes the strictest rule for naming it"
    assert np.sort(likeness, axis=1)[:, :-1].max() < 0.6, "another voice does not pass the usual one"


@pytest.mark.parametrize("voice", ["slt", "rms", "awb"])
def test_one_voice_is_one_speaker(
    diarizer: Diarizer, make_media: MakeMedia, meeting_of: Callable[..., Meeting], voice: str
) -> None:
    samples, _ = meeting_of(voice, voice, voice, voice)
    assert diarizer.diarize(make_media("a.wav", samples, "pcm_s16le")).speakers == 1


@pytest.mark.parametrize("pause", [0.05, 0.3, 1.0])
def test_two_voices(
    diarizer: Diarizer, make_media: MakeMedia, meeting_of: Callable[..., Meeting], pause: float
) -> None:
    samples, turns = meeting_of("rms", "slt", "rms", "slt", "rms", "slt", pause=pause)
    found = diarizer.diarize(make_media("a.wav", samples, "pcm_s16le"))
    assert found.speakers == 2
    assert confusion(found, turns) < 0.03


def test_four_voices(diarizer: Diarizer, make_media: MakeMedia, meeting_of: Callable[..., Meeting]) -> None:
    samples, turns = meeting_of("slt", "rms", "awb", "slt", "rms", "awb")
    half = next(turn.end for turn in turns if turn.speaker == 2)
    # The fourth voice: the first one, a third lower and slower.
    piece = samples[: round(turns[0].end * RATE)]
    lower = np.interp(np.arange(0, len(piece), 0.7), np.arange(len(piece)), piece).astype(np.float32)
    joined = np.concatenate([samples[: round(half * RATE)], lower, samples[round(half * RATE) :], lower])
    found = diarizer.diarize(make_media("a.wav", joined, "pcm_s16le"))
    assert found.speakers == 4


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_number_of_speakers_can_be_given(diarizer: Diarizer, sample: str, count: int) -> None:
    assert diarizer.diarize(sample, min_speakers=count, max_speakers=count).speakers == count


def test_bounds_that_hold_anyway_change_nothing(diarizer: Diarizer, sample: str, found: Diarization) -> None:
    assert diarizer.diarize(sample, min_speakers=2, max_speakers=5) == found


def test_bounds_that_contradict_are_refused(diarizer: Diarizer, sample: str) -> None:
    with pytest.raises(Invalid):
        diarizer.diarize(sample, min_speakers=3, max_speakers=2)


def test_where_nobody_speaks_there_are_no_turns(diarizer: Diarizer, make_media: MakeMedia) -> None:
    noise = np.random.default_rng(2).normal(0, 0.01, 6 * RATE).astype(np.float32)
    found = diarizer.diarize(make_media("a.wav", noise, "pcm_s16le"), min_speakers=2)
    assert (found.turns, found.speakers, found.voices) == ((), 0, ())


def test_a_single_word_is_a_turn(diarizer: Diarizer, make_media: MakeMedia, sound: np.ndarray) -> None:
    found = diarizer.diarize(make_media("a.wav", sound[: int(0.9 * RATE)], "pcm_s16le"))
    assert found.speakers == 1


def test_progress_is_told(diarizer: Diarizer, sample: str) -> None:
    shares: list[float] = []
    diarizer.diarize(sample, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 2


def test_choices() -> None:
    assert choose_diarizer("acoustic") == choose_diarizer("auto") == DiarizerChoice("acoustic")
    assert isinstance(load_diarizer(DiarizerChoice("acoustic")), AcousticDiarizer)
    with pytest.raises(Unavailable, match="pyannote"):
        choose_diarizer("pyannote")
    with pytest.raises(Invalid):
        choose_diarizer("guess")
