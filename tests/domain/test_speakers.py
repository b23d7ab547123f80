"""When voices are alike, what a profile learns, and what a language model's guess is worth."""

import contextlib
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Invalid, Unavailable
from shared.domain.speakers import (
    Label,
    Suggestion,
    VoiceProfile,
    called,
    certain,
    clean_name,
    confidence,
    guessed_names,
    heard,
    is_raw_label,
    similarity,
    unit,
)

numbers = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: value if abs(value) > 1e-3 else 1.0)
voices = st.lists(numbers, min_size=3, max_size=3)


def suggestion(value: float, speaker_id: int = 1) -> Suggestion:
    return Suggestion(speaker_id, f"Person {speaker_id}", value, 0.5)


def test_the_cosine_says_how_alike_two_voices_are() -> None:
    assert similarity((1, 0), (5, 0)) == 1
    assert similarity((1, 0), (0, 3)) == 0
    assert similarity((1, 0), (-1, 0)) == -1
    assert similarity((1, 0), (1, 1)) == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize("other", [(1.0,), (), (0.0, 0.0)])
def test_what_cannot_be_compared_is_not_alike(other: tuple[float, ...]) -> None:
    assert similarity((1.0, 0.0), other) == 0


@given(voices, voices)
def test_likeness_is_mutual_and_bounded(one: list[float], other: list[float]) -> None:
    found = similarity(one, other)
    assert found == pytest.approx(similarity(other, one))
    assert -1.000001 <= found <= 1.000001


@pytest.mark.parametrize(
    "voice",
    [(), (0.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (sys.float_info.max,) * 2, (1.0,) * 5000, (1e-300, 0.0)],
)
def test_what_is_no_direction_has_no_unit(voice: tuple[float, ...]) -> None:
    assert unit(voice) is None


def test_what_is_next_to_nothing_is_nothing() -> None:
    assert unit((1e300, 1.0, -2e299)) == pytest.approx((0.98058, 0.0, -0.19612), abs=1e-5)
    assert unit((1e300, 1.0)) == (1.0, 0.0)


@given(voices)
def test_a_unit_has_length_1_and_the_same_direction(voice: list[float]) -> None:
    found = unit(voice)
    assert found is not None
    assert math.hypot(*found) == pytest.approx(1)
    assert similarity(found, voice) == pytest.approx(1)


def test_the_first_sample_is_the_profile() -> None:
    profile = heard(None, "a", (0.0, 4.0))
    assert profile == VoiceProfile("a", (0.0, 1.0), 1, ())


def test_a_profile_keeps_70_parts_of_itself_and_takes_30_of_the_sample_however_loud() -> None:
    profile = heard(VoiceProfile("a", (1.0, 0.0)), "a", (0.0, 100.0))
    assert profile.embedding == pytest.approx((0.7 / math.hypot(0.7, 0.3), 0.3 / math.hypot(0.7, 0.3)))
    assert (profile.samples, profile.similarities) == (2, (0.0,))


def test_a_profile_remembers_the_last_five_similarities() -> None:
    profile = heard(None, "a", (1.0, 0.0))
    for _ in range(7):
        profile = heard(profile, "a", (1.0, 0.1))
    assert profile.samples == 8
    assert len(profile.similarities) == 5
    assert profile.similarities == tuple(sorted(profile.similarities)), "it comes nearer to what it hears"


def test_a_voice_of_another_size_begins_the_profile_anew() -> None:
    assert heard(VoiceProfile("a", (1.0, 0.0), 9, (1.0,)), "a", (0.0, 0.0, 1.0)) == VoiceProfile("a", (0.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("samples", "similarities", "expected"),
    [
        (1, (), 0.5),
        (2, (0.9,), 0.36),
        (5, (0.8, 0.8, 0.9, 0.9), 0.85),
        (40, (0.1, 0.9, 0.9, 0.9, 0.9, 0.9), 0.9),
        (3, (-0.5, -0.5), 0.0),
    ],
)
def test_confidence_grows_with_samples_that_are_alike(
    samples: int, similarities: tuple[float, ...], expected: float
) -> None:
    assert confidence(samples, similarities) == pytest.approx(expected)


def test_a_label_gets_a_name_by_itself_only_where_there_is_no_doubt() -> None:
    assert certain([], 0.6) is None
    assert certain([suggestion(0.59)], 0.6) is None
    assert certain([suggestion(0.6)], 0.6) == suggestion(0.6)
    assert certain([suggestion(0.9), suggestion(0.84, 2)], 0.6) == suggestion(0.9)
    assert certain([suggestion(0.9), suggestion(0.86, 2)], 0.6) is None, "two people are as near"


def test_labels_are_called_by_label_or_by_name_and_the_label_counts_more() -> None:
    labels = [Label(0, 2, "Ann"), Label(1, 1), Label(2, 1, "Ann"), Label(None, 3)]
    assert called(labels, {"SPEAKER_01": "Bob"}) == {1: "Bob"}
    assert called(labels, {"Ann": "Anna"}) == {0: "Anna", 2: "Anna"}
    assert called(labels, {"Ann": "Anna", "SPEAKER_00": "Eve"}) == {0: "Eve", 2: "Anna"}
    assert called(labels, {"SPEAKER_00": "SPEAKER_00", "SPEAKER_01": "SPEAKER_01"}) == {0: "SPEAKER_00"}
    assert called(labels, {"SPEAKER_09": "X", "speaker_01": "Y", "Unknown": "Z"}) == {}


@pytest.mark.parametrize("name", ["SPEAKER_00", "speaker_7", "SPEAKER_123"])
def test_raw_labels_are_no_names(name: str) -> None:
    assert is_raw_label(name)
    assert not is_raw_label(f"{name} of the house")


def test_names_are_trimmed_and_bounded() -> None:
    assert clean_name("  Ann \n Lee ") == "Ann Lee"
    assert clean_name("Ж" * 255) == "Ж" * 255
    for wrong in ("", " \t", "a" * 256, "a\x00b", "\ud800"):
        with pytest.raises(Invalid):
            clean_name(wrong)


@pytest.mark.parametrize(
    "answer",
    [
        '{"SPEAKER_00": "Ann", "SPEAKER_01": "unknown", "SPEAKER_09": "Eve"}',
        'Here you are:\n```json\n{"SPEAKER_00": " Ann ", "SPEAKER_01": null}\n```',
        '{"SPEAKER_00": "Ann", "SPEAKER_01": ["Bob"]}',
        '{"SPEAKER_00": "Ann", "SPEAKER_01": "speaker_01"}',
        '{"SPEAKER_00": "Ann", "SPEAKER_01": "\\ud800"}',
        '{"SPEAKER_00": "Ann", "SPEAKER_01": "\\u0000"}',
        '{"SPEAKER_00": "Ann", "SPEAKER_01": NaN}',
    ],
)
def test_a_guess_is_read_whatever_stands_around_it(answer: str) -> None:
    assert guessed_names(answer, ["SPEAKER_00", "SPEAKER_01"]) == {"SPEAKER_00": "Ann", "SPEAKER_01": ""}


@pytest.mark.parametrize("answer", ["", "I do not know.", "}{", "[1]", '{"a": ', "{" * 5000 + "}" * 5000])
def test_an_answer_without_an_object_is_no_answer(answer: str) -> None:
    with pytest.raises(Unavailable):
        guessed_names(answer, ["SPEAKER_00"])


@given(st.text())
def test_no_answer_breaks_the_reader(answer: str) -> None:
    with contextlib.suppress(Unavailable):
        assert guessed_names(answer, ["SPEAKER_00"]).keys() == {"SPEAKER_00"}
