"""Whose word counts, field by field; and prompts with variables."""

import time

import pytest

from shared.domain.defaults import Defaults, clean_protection, filled, resolve, summary_prompt
from shared.domain.errors import Invalid
from shared.domain.tasks import TranscribeOptions


def test_each_field_comes_from_the_first_who_says_it() -> None:
    strong = Defaults(default_language="de", default_initial_prompt="first")
    weak = Defaults(default_language="en", default_hotwords="words", default_transcription_model="tiny")
    found = resolve(TranscribeOptions(initial_prompt="mine"), [strong, weak])
    assert (found.language, found.hotwords, found.initial_prompt, found.model) == ("de", "words", "mine", "tiny")


@pytest.mark.parametrize(
    ("asked", "sources", "found"),
    [
        ((None, None), [(2, 4)], (2, 4)),
        ((5, None), [(2, 4)], (5, None)),
        ((5, None), [(2, 4), (1, 9)], (5, 9)),
        ((None, 2), [(3, None), (1, None)], (1, 2)),
        ((None, None), [(3, None), (None, 2), (None, 3)], (3, 3)),
        # Two settings that contradict each other.
        ((None, None), [(4, 2)], (4, None)),
    ],
)
def test_a_number_of_speakers_that_contradicts_a_stronger_one_is_passed_over(
    asked: tuple[int | None, int | None],
    sources: list[tuple[int | None, int | None]],
    found: tuple[int | None, int | None],
) -> None:
    said = [Defaults(default_min_speakers=low, default_max_speakers=high) for low, high in sources]
    resolved = resolve(TranscribeOptions(min_speakers=asked[0], max_speakers=asked[1]), said)
    assert (resolved.min_speakers, resolved.max_speakers) == found


def test_the_prompts_of_tags_go_before_the_folder_and_that_before_the_owner() -> None:
    tags = [Defaults(custom_prompt="a {{x}}"), Defaults(), Defaults(custom_prompt="b")]
    folder = Defaults(custom_prompt="folder")
    assert summary_prompt(tags, folder, "owner", {"x": "1"}) == "a 1\n\nb"
    assert summary_prompt([Defaults()], folder, "owner", {}) == "folder"
    assert summary_prompt([], None, "owner", {}) == "owner"
    assert summary_prompt([], Defaults(), None, {}) is None
    assert summary_prompt([Defaults(custom_prompt="{{x}}")], folder, "owner", {}) is None


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("{{a}}{{ b }}{{c}}", "1{{a}}"),
        ("{a} {{a b}} {{}} {{a", "{a} {{a b}} {{}} {{a"),
        ("{{{{a}}}}", "{{1}}"),
        ("", ""),
    ],
)
def test_what_is_no_placeholder_stays(prompt: str, expected: str) -> None:
    assert filled(prompt, {"a": "1", "b": "{{a}}"}) == expected


def test_a_prompt_that_multiplies_its_variables_stays_small_and_quick() -> None:
    began = time.perf_counter()
    assert len(filled("{{a}}" * 200_000, {"a": "x" * 8000})) == 100_000
    assert len(filled("{{" * 100_000, {})) == 100_000
    assert time.perf_counter() - began < 2


def test_protection_is_said_by_days_or_by_itself() -> None:
    def said(auto_deletion: bool = True, new: bool = False, **given: object) -> dict[str, object]:
        return clean_protection(given, auto_deletion=auto_deletion, new=new)

    assert said() == {}
    assert said(protect_from_deletion=True) == {"protect_from_deletion": True}
    assert said(retention_days=5) == {"protect_from_deletion": False, "retention_days": 5}
    assert said(retention_days=5, protect_from_deletion=True) == {"protect_from_deletion": True, "retention_days": 5}
    assert said(retention_days=None, new=True) == {"protect_from_deletion": False, "retention_days": None}
    assert said(auto_deletion=False, retention_days=-1) == {}
    with pytest.raises(Invalid, match="retention_days"):
        said(retention_days=36_501)
