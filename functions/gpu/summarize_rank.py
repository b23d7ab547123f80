"""Which sentences are central, and a choice of them that does not say the same thing twice."""

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

DAMPING = 0.85
ITERATIONS = 30
SAME_TOPIC = 0.7
LEAST_SHARE = 0.1


class TermMatrix:
    """Sentences by terms, each row the tf-idf weights of one sentence at unit length.

    Kept as (row, column, value) triples: the 15,000 sentences of ten hours hold some 100,000 terms, where a dense
    matrix, or the sentence graph itself, would hold more than 10^8 numbers.
    """

    def __init__(self, sentences: Sequence[Sequence[str]]) -> None:
        spread = Counter(term for terms in sentences for term in set(terms))
        self.terms = list(spread)
        self.shape = (len(sentences), len(spread))
        column_of = {term: column for column, term in enumerate(spread)}
        idf = {term: log(1 + len(sentences) / count) for term, count in spread.items()}
        triples = [
            (row, column_of[term], count * idf[term])
            for row, terms in enumerate(sentences)
            for term, count in Counter(terms).items()
        ]
        self._rows = np.array([row for row, _, _ in triples], dtype=np.intp)
        self._columns = np.array([column for _, column, _ in triples], dtype=np.intp)
        values = np.array([value for _, _, value in triples], dtype=np.float64)
        lengths = np.sqrt(_sums(self._rows, values**2, len(sentences)))
        self._values = values / lengths[self._rows]

    def over_terms(self, terms: Vector) -> Vector:
        """X t: a number per sentence from a number per term."""
        return _sums(self._rows, self._values * terms[self._columns], self.shape[0])

    def over_sentences(self, sentences: Vector) -> Vector:
        """Xᵀ s: a number per term from a number per sentence."""
        return _sums(self._columns, self._values * sentences[self._rows], self.shape[1])

    def similarities(self, row: int) -> Vector:
        """The cosine of every sentence with one of them."""
        one = np.zeros(self.shape[0])
        one[row] = 1.0
        return self.over_terms(self.over_sentences(one))


def _sums(places: NDArray[np.intp], values: Vector, count: int) -> Vector:
    """The sum of the values at each of `count` places."""
    return np.bincount(places, values, minlength=count).astype(np.float64)


def centrality(matrix: TermMatrix) -> Vector:
    """How central each sentence is, with mean 1.

    Continuous LexRank (Erkan & Radev 2004), which is TextRank (Mihalcea & Tarau 2004) with tf-idf cosines as edges:
    the stationary weight of a walk along similar sentences. The graph S = X Xᵀ - I is never formed; each step
    multiplies by Xᵀ and then by X, so the time is linear in the number of words.
    """
    count = matrix.shape[0]
    filled = matrix.over_terms(np.ones(matrix.shape[1])) > 0
    degrees = matrix.over_terms(matrix.over_sentences(np.ones(count))) - filled
    outflow = np.divide(1.0, degrees, out=np.zeros(count), where=degrees > 1e-9)
    ranks = np.ones(count)
    for _ in range(ITERATIONS):
        flow = ranks * outflow
        ranks = 1 - DAMPING + DAMPING * (matrix.over_terms(matrix.over_sentences(flow)) - flow * filled)
        ranks /= ranks.mean()
    return ranks


def choose(
    matrix: TermMatrix, weights: Vector, lengths: Sequence[int], groups: Sequence[int], *, count: int, budget: int
) -> list[int]:
    """At most `count` rows and at most `budget` words in all (but one row in any case), in order.

    Maximal marginal relevance (Carbonell & Goldstein 1998): each next row is the one with the greatest weight after
    taking off its likeness to those chosen; a group (a topic) counts for less each time it was served. Rows that weigh
    nothing, or next to nothing beside the best, are never chosen.
    """
    left = np.where(weights >= LEAST_SHARE * weights.max(initial=0.0), weights, 0.0)
    group_of = np.asarray(groups)
    chosen: list[int] = []
    while len(chosen) < count and left.size and left.max() > 0:
        best = int(left.argmax())
        left[best] = 0.0
        if chosen and lengths[best] > budget:
            continue
        chosen.append(best)
        budget -= lengths[best]
        left *= np.clip(1 - matrix.similarities(best), 0, 1)
        left[group_of == group_of[best]] *= SAME_TOPIC
    return sorted(chosen)
