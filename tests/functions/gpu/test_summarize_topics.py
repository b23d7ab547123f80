"""Boundaries stand where the words change or a speaker says that something new comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.summarize_topics import topic_spans

GARDEN = ["tree", "flower", "soil"]
SPACE = ["rocket", "moon", "orbit"]
CAKE = ["flour", "butter", "oven"]


def spans(terms: list[list[str]], seconds: float = 6.0, opening: tuple[int, ...] = ()) -> list[range]:
    return topic_spans(terms, [i * seconds for i in range(len(terms))], len(terms) * seconds, opening)


def test_a_change_of_words_is_a_change_of_topic() -> None:
    assert spans([GARDEN] * 20 + [SPACE] * 25 + [CAKE] * 15) == [range(20), range(20, 45), range(45, 60)]


def test_an_announcement_decides_where_the_words_do_not() -> None:
    terms = [[f"word{i}"] for i in range(12)]
    assert range(5, 12) in spans(terms, opening=(5,))


def test_an_announcement_at_the_very_start_is_no_boundary() -> None:
    assert spans([GARDEN] * 12, opening=(0,))[0].start == 0


@pytest.mark.parametrize(("count", "most"), [(0, 0), (1, 1), (3, 1), (5, 2)])
def test_short_talk_has_few_topics(count: int, most: int) -> None:
    found = spans([[f"word{i}"] for i in range(count)])
    assert len(found) <= most
    assert sum(map(len, found)) == count


@pytest.mark.parametrize(
    ("minutes", "subjects", "fewest", "most"), [(1, 2, 2, 4), (10, 10, 3, 7), (60, 40, 8, 15), (600, 120, 20, 45)]
)
def test_the_number_of_topics_grows_with_the_root_of_the_length(
    minutes: int, subjects: int, fewest: int, most: int
) -> None:
    count = minutes * 10
    terms = [[f"{name}{i * subjects // count}" for name in "abc"] for i in range(count)]
    assert fewest <= len(spans(terms)) <= most


def test_talk_without_any_change_is_one_topic() -> None:
    assert spans([GARDEN] * 200) == [range(200)]


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=4), max_size=60), st.floats(0, 20), st.sets(st.integers(0, 59))
)
def test_the_topics_cover_all_segments_in_order(terms: list[list[str]], seconds: float, opening: set[int]) -> None:
    found = spans(terms, seconds, tuple(segment for segment in opening if segment < len(terms)))
    assert [segment for span in found for segment in span] == list(range(len(terms)))
    assert all(found)
