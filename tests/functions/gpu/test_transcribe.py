"""Which engine is taken, and what is said about it."""

import logging
import pickle

import pytest

from functions.gpu.transcribe import EngineChoice, choose, load
from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice


def test_pocketsphinx_by_name() -> None:
    choice = choose("pocketsphinx", None)
    assert (choice.engine, choice.model) == ("pocketsphinx", "en-us")
    assert load(choice) is load(choose("pocketsphinx", "en-us"))
    assert load(choice).name == "pocketsphinx en-us"


def test_whisper_from_a_directory(nano_whisper: str) -> None:
    choice = choose("faster-whisper", nano_whisper)
    assert (choice.engine, choice.model, choice.place) == ("faster-whisper", "nano-whisper", nano_whisper)
    assert choose("auto", nano_whisper) == choice
    assert pickle.loads(pickle.dumps(choice)) == choice


@pytest.mark.parametrize(("engine", "model"), [("kaldi", None), ("faster-whisper", "huge"), ("pocketsphinx", "base")])
def test_unknown_names_are_refused(engine: str, model: str | None) -> None:
    with pytest.raises(Invalid):
        choose(engine, model)


def test_a_model_that_cannot_be_had_is_an_error(no_hugging_face: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hansard.engines")
    for engine, model in (("faster-whisper", None), ("faster-whisper", "tiny"), ("auto", "small")):
        with pytest.raises(Unavailable, match="not on this machine"):
            choose(engine, model)
    assert not caplog.records


def test_auto_falls_back_and_says_so(no_hugging_face: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hansard.engines")
    assert choose("auto", None).engine == "pocketsphinx"
    (record,) = caplog.records
    assert "pocketsphinx" in record.getMessage()
    assert "not on this machine" in record.getMessage()


def test_a_directory_without_a_readable_model_is_an_error(sample: str, tmp_path) -> None:
    (tmp_path / "model.bin").write_bytes(b"nothing")
    (tmp_path / "config.json").write_text("{}")
    broken = load(EngineChoice("faster-whisper", "broken", str(tmp_path), "cpu", "int8"))
    with pytest.raises(Unavailable, match="cannot be loaded"):
        broken.transcribe(sample, Slice(0, 0.0, 5.0), TranscribeOptions())


@pytest.fixture
def no_hugging_face(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """An empty model cache and no way to fill it, as on a machine without a network."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
