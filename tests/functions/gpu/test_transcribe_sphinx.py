"""The embedded recognizer on the sample, on silence, and on what is not English."""

from typing import Any

import jiwer
import numpy as np
import pytest

from bench.evaluate import normalize
from functions.gpu.audio import RATE
from functions.gpu.transcribe import Transcriber
from functions.gpu.transcribe_sphinx import certainty, clean
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice, SliceResult, Word
from tests.functions.gpu.conftest import MakeMedia

CUT = 23.2  # the end of the fourth turn


@pytest.fixture(scope="module")
def heard(sphinx: Transcriber, sample: str) -> SliceResult:
    return sphinx.transcribe(sample, Slice(3, 0.0, CUT), TranscribeOptions())


def test_the_words_are_right(heard: SliceResult, truth: list[dict[str, Any]]) -> None:
    said = " ".join(word for turn in truth if turn["end"] < CUT for word in normalize(turn["text"]))
    found = " ".join(word.text.lower() for word in heard.words)
    assert jiwer.wer(said, found) <= 0.15


def test_the_times_are_right(heard: SliceResult, truth: list[dict[str, Any]]) -> None:
    times = {word.text: word for word in heard.words}
    assert times["hello"].start == pytest.approx(0.2, abs=0.2)
    assert times["schedule"].end == pytest.approx(truth[0]["end"] - 0.2, abs=0.3)
    assert times["quarter"].end == pytest.approx(truth[1]["end"] - 0.2, abs=0.3)
    assert all(before.end <= after.start + 0.02 for before, after in zip(heard.words, heard.words[1:], strict=False))
    assert all(type(word.start) is float and type(word.confidence) is float for word in heard.words)


def test_the_result_says_where_it_belongs(heard: SliceResult) -> None:
    assert heard.index == 3
    assert heard.language == "en"
    assert 18.0 < heard.speech_seconds < CUT


def test_only_words_come_out(heard: SliceResult) -> None:
    assert all(word.text.replace("'", "").replace(".", "").replace("-", "").isalpha() for word in heard.words)
    assert "I" in {word.text for word in heard.words}
    assert all(0.0 <= (word.confidence or 0.0) <= 1.0 for word in heard.words)
    assert len({word.confidence for word in heard.words}) > 5


def test_times_count_from_the_start_of_the_recording(sphinx: Transcriber, sample: str) -> None:
    shares: list[float] = []
    result = sphinx.transcribe(sample, Slice(1, 34.7, 38.4), TranscribeOptions(), shares.append)
    words = {word.text: word for word in result.words}
    assert 34.7 < words["what"].start < 35.2
    assert 37.2 < words["page"].start < 38.1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_second_run_hears_the_same(sphinx: Transcriber, sample: str) -> None:
    part = Slice(0, 34.7, 38.4)
    assert sphinx.transcribe(sample, part, TranscribeOptions()) == sphinx.transcribe(sample, part, TranscribeOptions())


def test_nothing_is_heard_in_silence_and_noise(sphinx: Transcriber, make_media: MakeMedia) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 5 * RATE).astype(np.float32)
    path = make_media("a.wav", np.concatenate([np.zeros(5 * RATE, np.float32), noise]), "pcm_s16le")
    result = sphinx.transcribe(path, Slice(0, 0.0, 10.0), TranscribeOptions())
    assert (result.words, result.speech_seconds) == ((), 0.0)


@pytest.mark.parametrize("language", ["de", "fr-CH", "zh"])
def test_another_language_is_not_used(sphinx: Transcriber, language: str) -> None:
    (warning,) = sphinx.warnings([], TranscribeOptions(language=language))
    assert f"“{language}”" in warning


@pytest.mark.parametrize("language", [None, "en", "en-GB", "en_US"])
def test_english_needs_no_warning(sphinx: Transcriber, heard: SliceResult, language: str | None) -> None:
    assert sphinx.warnings([heard], TranscribeOptions(language=language)) == ()


def test_speech_that_is_not_english_is_noticed(sphinx: Transcriber, make_media: MakeMedia, sound: np.ndarray) -> None:
    # Speech played backwards has every sound of speech and no word of English.
    path = make_media("a.wav", np.ascontiguousarray(sound[: 13 * RATE][::-1]), "pcm_s16le")
    result = sphinx.transcribe(path, Slice(0, 0.0, 13.0), TranscribeOptions())
    (warning,) = sphinx.warnings([result], TranscribeOptions())
    assert "only English" in warning


def test_words_as_people_write_them() -> None:
    assert [clean(word) for word in ("read(2)", "i", "i'll", "it", "in(3)")] == ["read", "I", "I'll", "it", "in"]


def test_certainty_is_weighted_by_time() -> None:
    assert certainty([Word("a", 0.0, 3.0, 1.0), Word("b", 3.0, 4.0, 0.0)]) == pytest.approx(0.75)
    assert certainty([]) == 0.0
