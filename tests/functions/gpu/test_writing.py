"""Where sentences end, and how bare words are written."""

import pytest

from functions.gpu.writing import ends_sentence, is_written, written
from shared.domain.transcripts import Word


@pytest.mark.parametrize("text", ["done.", "what?", "no!", "so…", "said.”", "好。", "really?)"])
def test_ends(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["done", "Dr.", "e.g.", "J.", "3.5", "well,", "”"])
def test_does_not_end(text: str) -> None:
    assert not ends_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "what did the customers say",
        "can we move some of the work",
        "how are you",
        "do you know the way",
        "is the report ready",
        "where is it",
    ],
)
def test_questions(text: str) -> None:
    assert written(text.split()) == f"{text[0].upper()}{text[1:]}?"


@pytest.mark.parametrize(
    "text",
    [
        "when the phone rang nobody answered",
        "what I mean is this",
        "do the dishes",
        "have a nice day",
        "had they known it",
        "should you need help",
        "will and grace",
        "don't you dare",
        "I think so",
        "yes",
    ],
)
def test_statements(text: str) -> None:
    assert written(text.split()) == f"{text[0].upper()}{text[1:]}."


def test_whether_an_engine_writes() -> None:
    assert is_written([Word("Well,", 0, 1), Word("yes", 1, 2)])
    assert not is_written([Word("well", 0, 1), Word("p.m", 1, 2)])
