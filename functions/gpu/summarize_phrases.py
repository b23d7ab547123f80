"""Keyphrases of a stretch of talk, and titles made of them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from functions.gpu.summarize_sentences import Sentence, announced_from, capitalized
from functions.gpu.summarize_words import Language, plain

TITLE_CHARACTERS = 80
PHRASE_WORDS = 3
FALLBACK_WORDS = 8
_ANNOUNCED_WITHIN = 60
_ANNOUNCED = 4.0
_PART_OF_A_LONGER_ONE = 0.4

_OCCASION = re.compile(
    r"(?:welcome to|this is|today is) (?:the|our|another|this|today's) ((?:[\w'-]+ ){0,3}"
    r"(?:meeting|call|review|sync|stand-?up|session|interview|lecture|podcast|workshop|retrospective|hearing|class))\b"
)
_SMALL_WORDS = frozenset({"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """One to three neighbouring words as said; `terms` are the stems that count, `place` goes by the first mention."""

    text: str
    terms: tuple[str, ...]
    score: float
    place: int


def keyphrases(sentences: Iterable[Sentence], weights: Mapping[str, float], language: Language) -> list[Phrase]:
    """The phrases of the sentences, best first, no two with a stem in common; none without a list of stop words.

    Candidates are runs of content words between stop words (RAKE, Rose et al. 2010); a phrase weighs what its stems
    weigh, times the root of how often it is said. What a speaker announces ("talk about the budget") counts more.
    """
    if not language.listed:
        return []
    said: dict[tuple[str, ...], str] = {}
    points: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for sentence in sentences:
        subject = announced_from(sentence, language)
        for text, terms, start, whole in _candidates(sentence, language):
            announced = subject is not None and 0 <= start - subject < _ANNOUNCED_WITHIN
            points[terms] += (1.0 if whole else _PART_OF_A_LONGER_ONE) * (_ANNOUNCED if announced else 1.0)
            if len(text) > len(said.get(terms, "")):
                said[terms] = text
    ranked = [
        Phrase(said[terms], terms, _telling(said[terms], language) * _weight(terms, weights) * times**0.5, place)
        for place, (terms, times) in enumerate(points.items())
    ]
    ranked.sort(key=lambda phrase: -phrase.score)
    return list(_distinct(ranked))


def _weight(terms: Sequence[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in terms) / len(terms) ** 0.5


def _telling(text: str, language: Language) -> float:
    """Two words tell more than one; a lone one in -ing is often what one does ("selling"), not what one talks about."""
    if " " in text:
        return 1.0
    return 0.5 if language.english and text.lower().endswith("ing") else 0.8


def _distinct(phrases: Iterable[Phrase]) -> Iterator[Phrase]:
    seen: set[str] = set()
    for phrase in phrases:
        if seen.isdisjoint(phrase.terms):
            seen.update(phrase.terms)
            yield phrase


def _candidates(sentence: Sentence, language: Language) -> Iterator[tuple[str, tuple[str, ...], int, bool]]:
    """(words as said, stems, where in the sentence, whether the whole run) of every candidate."""
    content = set(sentence.terms)
    for run in _runs(sentence, content, language):
        for first in range(len(run)):
            for last in range(first + 1, min(len(run), first + PHRASE_WORDS) + 1):
                part = run[first:last]
                terms = tuple(term for _, _, term in part)
                yield sentence.text[part[0][0] : part[-1][1]], terms, part[0][0], last - first == len(run)


def _runs(sentence: Sentence, content: set[str], language: Language) -> Iterator[list[tuple[int, int, str]]]:
    """(start, end, stem) of neighbouring content words; stop words, too general words and punctuation come between."""
    run: list[tuple[int, int, str]] = []
    for word, start, end in sentence.tokens:
        term = language.term(word)
        strong = term is not None and term in content and not language.weak(term)
        if run and (not strong or sentence.text[run[-1][1] : start].strip("- ")):
            yield run
            run = []
        if strong and term is not None:
            run.append((start, end, term))
    if run:
        yield run


def occasion(sentences: Iterable[Sentence], language: Language) -> str:
    """What the speakers call the event ("weekly project meeting"), or ""."""
    if not language.english:
        return ""
    matches = (_OCCASION.search(plain(sentence.text)) for sentence in sentences)
    return next((match[1] for match in matches if match), "")


def title_of(phrases: Sequence[Phrase], fallback: str, *, count: int, language: Language, event: str = "") -> str:
    """`Event: One, Two and Three` of the best phrases, as many as fit and in the order in which they are said.

    Without a phrase it is the beginning of the fallback sentence.
    """
    named = [phrase for phrase in phrases if phrase.score > 0 and _tells(phrase, event)][:count]
    while named:
        names = [phrase.text for phrase in sorted(named, key=lambda phrase: phrase.place)]
        title = ": ".join(filter(None, (event, _listed(names, language))))
        if len(title) <= TITLE_CHARACTERS:
            return _headline(title, language)[:TITLE_CHARACTERS]
        named.pop()
    return _headline(_beginning(event or fallback), language)[:TITLE_CHARACTERS]


def _tells(phrase: Phrase, event: str) -> bool:
    return not event or not set(plain(phrase.text).split()) & set(event.split())


def _listed(names: Sequence[str], language: Language) -> str:
    if len(names) == 1 or not language.english:
        return ", ".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _beginning(text: str) -> str:
    """At most eight words and 80 characters, without the end of a sentence; an ellipsis says that it goes on."""
    words = text.split()
    short = " ".join(words[:FALLBACK_WORDS])[: TITLE_CHARACTERS - 1].rstrip(".,;:!?… 。！？")
    return short if len(words) <= FALLBACK_WORDS and len(text) <= TITLE_CHARACTERS else short + "…"


def _headline(text: str, language: Language) -> str:
    """Capitals as in an English headline; elsewhere only the first. Capitals that are there stay."""
    if not language.english:
        return capitalized(text)
    words = text.split(" ")
    return " ".join(word if i and word in _SMALL_WORDS else capitalized(word) for i, word in enumerate(words))
