"""Names of speech models, as people write them."""

import pytest

from shared.domain.errors import Invalid
from shared.domain.models import WHISPER_MODELS, resolve_model


@pytest.mark.parametrize("name", WHISPER_MODELS)
def test_known_names_stand_for_themselves(name: str) -> None:
    assert resolve_model(name) == name


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("turbo", "large-v3-turbo"),
        ("whisper-large-v3-turbo", "large-v3-turbo"),
        ("openai/whisper-large-v3", "large-v3"),
        ("openai/whisper-small.en", "small.en"),
        ("Systran/faster-whisper-base", "base"),
        (" Tiny ", "tiny"),
    ],
)
def test_aliases(name: str, model: str) -> None:
    assert resolve_model(name) == model


@pytest.mark.parametrize("name", ["", "huge", "../base", "gpt-4o-transcribe"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid, match="Known are"):
        resolve_model(name)
