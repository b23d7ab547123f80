"""What somebody is to do: sentences of spoken English that promise, ask or oblige."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from functions.gpu.summarize_sentences import Sentence
from functions.gpu.summarize_words import plain
from shared.domain.transcripts import ActionItem

LEAST_SCORE = 1.0
SAME = 0.6

_Doer = Literal["speaker", "addressee", "nobody"]

_ADVERBS = r"(?:(?:also|just|then|definitely|probably|really|certainly|all|both|actually|please) )*"
_NO_TASK = (
    r"be|say|see|talk(?:ing)?|think|know|admit|tell|start|begin|move on|explain|mention|guess|like|want|wait|"
    r"understand|discuss|have (?:an?|to|been|no|some)|never|not|always|agree|miss|love|hope|need|show you|speak|hear|"
    r"get (?:into|started|going)|go (?:on|ahead|back|over|through|first|next|that)|look like|take a (?:look|break)|"
    r"come (?:back|to)|do with|feel|remember|keep in mind|note|welcome|hold on|bear|excuse|pause|leave it|stop there|"
    r"an?|the|that|this|it|so|better|i|you|we"
)
_TASK = rf"(?!(?:{_NO_TASK})\b)[a-z]"
_PROMISED = (
    r"(?:look into|check|send|take care|do (?:that|this|it|some)|handle|fix|follow up|write|prepare|share|ask|email)"
)


@dataclass(frozen=True, slots=True)
class _Cue:
    pattern: re.Pattern[str]
    score: float
    doer: _Doer = "nobody"


def _cue(pattern: str, score: float, doer: _Doer = "nobody") -> _Cue:
    return _Cue(re.compile(rf"\b{pattern}"), score, doer)


_CUES = (
    _cue(r"(?:action (?:items?|points?)|to-?do(?:s| list)|next steps?)\b(?! from last)", 3.0),
    _cue(rf"i(?:'ll| will| shall|'m going to| am going to|'m gonna) {_ADVERBS}{_TASK}", 2.0, "speaker"),
    _cue(rf"i (?:can|could) {_ADVERBS}{_PROMISED}\b", 1.5, "speaker"),
    _cue(rf"i (?:{_ADVERBS})(?:need|have|ought) to {_ADVERBS}{_TASK}", 1.5, "speaker"),
    _cue(rf"i should {_ADVERBS}{_TASK}", 1.0, "speaker"),
    _cue(rf"(?:can|could|would|will) you {_ADVERBS}{_TASK}", 1.5, "addressee"),
    _cue(rf"you (?:{_ADVERBS})(?:need|have|ought) to {_ADVERBS}{_TASK}", 1.2, "addressee"),
    _cue(rf"please {_ADVERBS}{_TASK}", 1.2, "addressee"),
    _cue(rf"we(?:'ll| will)? {_ADVERBS}(?:need|have|ought) to {_ADVERBS}{_TASK}", 1.5),
    _cue(rf"we(?:'ll| will|'re going to| are going to|'re gonna) {_ADVERBS}{_TASK}", 1.0),
    _cue(rf"(?:we|they|somebody|someone) should {_ADVERBS}{_TASK}", 1.0),
    _cue(rf"(?:somebody|someone|they|he|she) (?:will|needs? to|has to|have to) {_ADVERBS}{_TASK}", 1.0),
    _cue(rf"let(?:'s| us) {_ADVERBS}{_TASK}", 1.0),
    _cue(rf"(?:can|could) we {_ADVERBS}{_TASK}", 0.8),
)
_EXTRAS = (
    _cue(
        r"(?:by|before|until|till|due|no later than) (?:the )?(?:end of (?:the |this |next )?)?(?:next |this )?"
        r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|tonight|today|noon|morning|afternoon|"
        r"day|week|month|quarter|year|january|february|march|april|may|june|july|august|september|october|november|"
        r"december|\d)",
        0.7,
    ),
    _cue(
        r"(?:tomorrow|tonight|(?<!the )next (?:week|month)|this (?:week|afternoon|evening)|asap|as soon as possible)",
        0.4,
    ),
    _cue(r"(?:make sure|follow up|take care of|get back to|look into|remind|deadline|schedule|set up)\b", 0.5),
)
_DENIED = re.compile(
    r"\b(?:if (?:i|we|you)|i (?:don't|do not) (?:think|know)|(?:don't|do not|didn't|wouldn't|won't) (?:need|have) to|"
    r"used to|would have to|thank you|thanks)\b"
)
_ADDRESSED = re.compile(
    r"^(?:(?:[Ss]o|[Aa]nd|[Oo]kay|[Oo]k|[Ww]ell|[Aa]lright),? )*([^\W\d_][\w'-]+), (?:please|can|could|would|will)\b"
)


def action_items(
    sentences: Iterable[Sentence],
    label_of: Callable[[int], str],
    names: Collection[str],
    *,
    limit: int,
) -> tuple[ActionItem, ...]:
    """The sentences with the strongest cues, at most `limit`, in order of time; none is said twice.

    The doer is the speaker where the sentence is in the first person, or one of `names` who is told; else nobody.
    """
    cues = (*_CUES, *_cues_of(names))
    judged = ((*_judge(plain(sentence.text), cues), sentence) for sentence in sentences)
    ranked = sorted((found for found in judged if found[0] >= LEAST_SCORE), key=lambda found: -found[0])
    kept: list[tuple[_Doer, Sentence]] = []
    for _, doer, sentence in ranked:
        if len(kept) < limit and not any(_same(sentence, other) for _, other in kept):
            kept.append((doer, sentence))
    kept.sort(key=lambda found: found[1].start)
    return tuple(
        ActionItem(sentence.text, sentence.start, _assignee(doer, sentence, label_of, names)) for doer, sentence in kept
    )


def _cues_of(names: Iterable[str]) -> list[_Cue]:
    """For what known people are told to do, as in "Ann will send the plan"."""
    known = "|".join(re.escape(called) for name in names for called in _called(name))
    if not known:
        return []
    told = r"(?:will|is going to|can|could|should|needs? to|has to|have to)"
    return [_cue(rf"(?:{known}),? {told} (?!you\b){_ADVERBS}{_TASK}", 1.5, "addressee")]


def _called(name: str) -> set[str]:
    """A full name and a first name, in plain form; not a Will or a May, who would be in every other sentence."""
    words = plain(name).split()
    return {" ".join(words), words[0]} - {"", "will", "may"} if words else set()


def _judge(said: str, cues: Iterable[_Cue]) -> tuple[float, _Doer]:
    """How much a sentence sounds like a task, and whose."""
    best = max((cue for cue in cues if cue.pattern.search(said)), key=lambda cue: cue.score, default=None)
    if best is None:
        return 0.0, "nobody"
    score = best.score + sum(extra.score for extra in _EXTRAS if extra.pattern.search(said))
    return (score - 1.0 if _DENIED.search(said) else score), best.doer


def _same(one: Sentence, other: Sentence) -> bool:
    first, second = set(one.terms), set(other.terms)
    return len(first & second) > SAME * max(1, min(len(first), len(second)))


def _assignee(doer: _Doer, sentence: Sentence, label_of: Callable[[int], str], names: Iterable[str]) -> str | None:
    if doer == "speaker":
        return None if sentence.speaker is None else label_of(sentence.speaker)
    return _named(sentence.text, names)


def _named(text: str, names: Iterable[str]) -> str | None:
    """The known person named first in the sentence; else a name that is called ("Ann, can you …")."""
    said = plain(text)
    places = {
        match.start(): name for name in names for called in _called(name) if (match := _whole(called).search(said))
    }
    if places:
        return places[min(places)]
    called = _ADDRESSED.match(text)
    return called[1] if called else None


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
