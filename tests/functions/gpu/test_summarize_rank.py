"""Centrality against the textbook matrix, and the choice of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.summarize_rank import DAMPING, ITERATIONS, TermMatrix, centrality, choose

TALK = ["budget plan", "budget cut plan", "survey answer", "survey page slow", "page slow phone", "", "weather"]
SENTENCES = [line.split() for line in TALK]
talks = st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), min_size=1, max_size=12)


def dense(sentences: list[list[str]]) -> np.ndarray:
    """The cosines of all pairs, by the book, without self-loops."""
    terms = sorted({term for sentence in sentences for term in sentence})
    counts = np.array([[sentence.count(term) for term in terms] for sentence in sentences], dtype=float)
    counts = counts.reshape(len(sentences), len(terms))
    weights = counts * np.log(1 + len(sentences) / np.maximum(1, (counts > 0).sum(axis=0)))
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    unit = np.divide(weights, lengths, out=np.zeros_like(weights), where=lengths > 0)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, 0)
    return similarity


def by_the_book(similarity: np.ndarray) -> np.ndarray:
    degrees = similarity.sum(axis=1)
    ranks = np.ones(len(similarity))
    for _ in range(ITERATIONS):
        flow = np.divide(ranks, degrees, out=np.zeros_like(ranks), where=degrees > 1e-9)
        ranks = 1 - DAMPING + DAMPING * similarity @ flow
        ranks /= ranks.mean()
    return ranks


@given(talks)
def test_centrality_is_lexrank_without_the_graph(sentences: list[list[str]]) -> None:
    assert centrality(TermMatrix(sentences)) == pytest.approx(by_the_book(dense(sentences)), abs=1e-6)


def test_a_sentence_that_shares_its_words_is_more_central() -> None:
    ranks = centrality(TermMatrix(SENTENCES))
    assert ranks[3] > ranks[2] > ranks[6]
    assert ranks.mean() == pytest.approx(1)


def test_similarities_are_cosines() -> None:
    found = TermMatrix(SENTENCES).similarities(3)
    assert found[3] == pytest.approx(1)
    assert found == pytest.approx(dense(SENTENCES)[3] + np.eye(len(SENTENCES))[3])


def chosen(weights: list[float], count: int = 9, budget: int = 99, groups: list[int] | None = None) -> list[int]:
    lengths = [max(1, len(sentence)) for sentence in SENTENCES]
    return choose(
        TermMatrix(SENTENCES), np.array(weights), lengths, groups or [0] * len(SENTENCES), count=count, budget=budget
    )


def test_the_choice_is_in_order() -> None:
    assert chosen([0, 0, 1, 0, 0, 0, 3], count=2) == [2, 6]


def test_a_paraphrase_is_not_chosen_beside_its_like() -> None:
    assert chosen([1, 0.9, 0.5, 0, 0, 0, 0], count=2) == [0, 2]


def test_a_topic_that_was_served_waits() -> None:
    weights = [1, 0, 0.8, 0, 0, 0, 0.7]
    assert chosen(weights, count=2) == [0, 2]
    assert chosen(weights, count=2, groups=[0, 0, 0, 0, 0, 0, 1]) == [0, 6]


def test_the_budget_holds_but_for_the_first() -> None:
    assert chosen([1, 0, 0.9, 0, 0, 0, 0.8], budget=3) == [0, 6]
    assert chosen([1, 0, 0.9, 0, 0, 0, 0.8], budget=0) == [0]


def test_what_weighs_next_to_nothing_is_not_chosen() -> None:
    assert chosen([1, 0, 0.05, 0, 0, 0, 0]) == [0]
    assert chosen([0] * 7) == []


def test_no_terms_at_all() -> None:
    assert centrality(TermMatrix([[], []])).tolist() == [1, 1]
