"""The production engine with a tiny real Whisper, which knows only a few words: the path is tested, not the model."""

import numpy as np
import pytest

from functions.gpu.audio import RATE
from functions.gpu.transcribe import Transcriber, choose, load
from functions.gpu.transcribe_whisper import default_model, find_model
from functions.gpu.vad import speech
from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice, SliceResult
from tests.functions.gpu.conftest import MakeMedia


@pytest.fixture(scope="module")
def whisper(nano_whisper: str) -> Transcriber:
    return load(choose("faster-whisper", nano_whisper))


# The second one holds a window that fails at first, and is decoded again.
@pytest.mark.parametrize(("start", "end"), [(14.0, 38.4), (0.0, 54.4)])
def test_words_lie_in_the_speech(
    whisper: Transcriber, sample: str, sound: np.ndarray, start: float, end: float
) -> None:
    shares: list[float] = []
    result = whisper.transcribe(sample, Slice(2, start, end), TranscribeOptions(), shares.append)
    assert result.index == 2
    assert result.language == "en"
    assert len(result.words) >= 5
    spoken = speech(sound[int(start * RATE) : int(end * RATE)], offset=start)
    for word in result.words:
        assert start <= word.start <= word.end <= end
        assert any(word.start < span.end + 0.5 and word.end > span.start - 0.5 for span in spoken)
        assert word.text == word.text.strip() != ""
        assert type(word.start) is float
        assert 0.0 <= (word.confidence or 0.0) <= 1.0
    assert [word.start for word in result.words] == sorted(word.start for word in result.words)
    assert result.speech_seconds == pytest.approx(sum(span.end - span.start for span in spoken), abs=0.1)
    assert shares[-1] == 1.0


def test_silence_has_no_words(whisper: Transcriber, make_media: MakeMedia) -> None:
    path = make_media("a.wav", np.zeros(5 * RATE, np.float32), "pcm_s16le")
    assert whisper.transcribe(path, Slice(0, 0.0, 5.0), TranscribeOptions()).words == ()


def test_hints_are_taken(whisper: Transcriber, sample: str) -> None:
    options = TranscribeOptions(hotwords="budget", initial_prompt="A meeting.", language="en-US")
    assert whisper.transcribe(sample, Slice(0, 14.0, 18.6), options).language == "en"


def test_an_english_model_warns_of_other_languages(whisper: Transcriber) -> None:
    results = [SliceResult(0, (), 0.0, "en")]
    (warning,) = whisper.warnings(results, TranscribeOptions(language="de"))
    assert "only English" in warning
    assert whisper.warnings(results, TranscribeOptions(language="en-GB")) == ()
    assert whisper.warnings(results, TranscribeOptions()) == ()


def test_the_model_is_named(whisper: Transcriber) -> None:
    assert whisper.name == "faster-whisper nano-whisper"
    assert whisper.slice_seconds > 0


def test_the_usual_models() -> None:
    assert (default_model("cuda"), default_model("cpu")) == ("large-v3-turbo", "base")
    with pytest.raises(Invalid):
        find_model("no-such-model", fetch=True)


def test_a_model_that_is_not_here_is_not_fetched_unasked(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(Unavailable, match="base"):
        find_model("base", fetch=False)
