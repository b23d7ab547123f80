"""A summary made of the transcript's own sentences: no model, no network, no invented words."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log, log2, sqrt

import numpy as np

from functions.gpu.summarize_actions import action_items
from functions.gpu.summarize_phrases import keyphrases, occasion, title_of
from functions.gpu.summarize_rank import TermMatrix, Vector, centrality, choose
from functions.gpu.summarize_sentences import Sentence, importance, opens_topic, sentences_of, shortened
from functions.gpu.summarize_topics import topic_spans
from functions.gpu.summarize_words import Language, guess_language
from shared.domain.transcripts import ActionItem, Segment, Summary, Topic, speaker_label

NAME = "extractive"
SHORT_MEETING_WORDS = 120
POINT_WORDS = 25
MOST_ACTION_ITEMS = 25
_COMMON_SHARE = 0.08
_OCCASION_WITHIN = 20


@dataclass(frozen=True, slots=True)
class _Talk:
    """A transcript, ranked.

    `weights[i]` says how well sentence i stands for the whole (0 for small talk); `topics` are spans of segments and
    `topic_of[i]` is the index of the one that holds sentence i; `duration` is in seconds.
    """

    segments: Sequence[Segment]
    sentences: Sequence[Sentence]
    language: Language
    matrix: TermMatrix
    weights: Vector
    topics: Sequence[range]
    topic_of: Sequence[int]
    duration: float


class ExtractiveSummarizer:
    """Ranks sentences by LexRank with cues of spoken language, cuts topics by TextTiling, finds tasks by their words.

    Made for speech: a segment without punctuation counts as one sentence. Ten hours take a few seconds.
    """

    name = NAME

    def summarize(
        self,
        segments: Sequence[Segment],
        *,
        speaker_names: Mapping[int, str] | None = None,
        language: str | None = None,
    ) -> Summary:
        """`segments` in order of time; `language` is an ISO 639-1 code, or found out from the words."""
        spoken = _language_of(segments, language)
        sentences = sentences_of(segments, spoken)
        if not sentences:
            return Summary("", "", (), (), (), NAME)
        talk = _read(segments, sentences, spoken)
        text = _text(talk)
        return Summary(
            title=_title(talk),
            text=" ".join(shortened(sentences[i].text, SHORT_MEETING_WORDS) for i in text),
            key_points=_key_points(talk, text),
            topics=tuple(_topics(talk)),
            action_items=_actions(talk, speaker_names or {}),
            model=NAME,
        )


def _language_of(segments: Sequence[Segment], language: str | None) -> Language:
    """The language asked for, or guessed. Without a list of stop words, those said all the time are taken for such."""
    code = language.lower().partition("-")[0] if language else guess_language(segment.text for segment in segments)
    spoken = Language(code)
    if spoken.listed:
        return spoken
    spread = Counter(word for segment in segments for word in {word for word, _, _ in spoken.tokens(segment.text)})
    often = max(2.0, _COMMON_SHARE * len(segments))
    return Language(code, frozenset(word for word, count in spread.items() if count > often))


def _read(segments: Sequence[Segment], sentences: Sequence[Sentence], language: Language) -> _Talk:
    matrix = TermMatrix([sentence.terms for sentence in sentences])
    # The root, so that a sentence that shares no word with others still counts for what its cues say of it.
    weights = np.sqrt(centrality(matrix)) * np.array([importance(sentence, language) for sentence in sentences])
    duration = max(segment.end for segment in segments) - segments[0].start
    topics = _cut_topics(segments, sentences, language, duration)
    topic_of_segment = [number for number, span in enumerate(topics) for _ in span]
    topic_of = [topic_of_segment[sentence.segment] for sentence in sentences]
    return _Talk(segments, sentences, language, matrix, weights, topics, topic_of, duration)


def _cut_topics(
    segments: Sequence[Segment], sentences: Sequence[Sentence], language: Language, duration: float
) -> list[range]:
    terms: list[list[str]] = [[] for _ in segments]
    for sentence in sentences:
        terms[sentence.segment] += sentence.terms
    opening = {sentence.segment for sentence in sentences if opens_topic(sentence, language)}
    return topic_spans(terms, [segment.start for segment in segments], duration, opening)


def _title(talk: _Talk) -> str:
    """What the event is called, and its three most central phrases."""
    weights = dict(zip(talk.matrix.terms, talk.matrix.over_sentences(talk.weights).tolist(), strict=True))
    return title_of(
        keyphrases(talk.sentences, weights, talk.language),
        talk.sentences[_best(talk, range(len(talk.sentences)))].text,
        count=3,
        language=talk.language,
        event=occasion(talk.sentences[:_OCCASION_WITHIN], talk.language),
    )


def _best(talk: _Talk, rows: Iterable[int]) -> int:
    """The sentence that stands for the others; where all is small talk, the longest."""
    return max(rows, key=lambda i: (talk.weights[i], talk.sentences[i].words))


def _text(talk: _Talk) -> list[int]:
    """The sentences of the summary, spread over the topics: 3 or 4 in a short meeting, 12 in ten hours."""
    said = len(talk.sentences)
    count = min(12, max(3, round(2 + log2(said / 4))))
    budget = SHORT_MEETING_WORDS + round(30 * max(0.0, log2(said / 60)))
    return _choose(talk, talk.weights, count, budget) or [_best(talk, range(said))]


def _choose(talk: _Talk, weights: Vector, count: int, budget: int) -> list[int]:
    lengths = [sentence.words for sentence in talk.sentences]
    return choose(talk.matrix, weights, lengths, talk.topic_of, count=count, budget=budget)


def _key_points(talk: _Talk, text: Sequence[int]) -> tuple[str, ...]:
    """Three to seven short sentences: those the text has not, and only if these are too few, those too."""
    count = min(7, max(3, round(2 + sqrt(len(talk.sentences)) / 2)))
    brevity = np.array([min(1.0, POINT_WORDS / sentence.words) for sentence in talk.sentences])
    weights = talk.weights * brevity
    for i in text:
        weights *= np.clip(1 - talk.matrix.similarities(i), 0, 1)
        weights[i] = 0.0
    chosen = _choose(talk, weights, count, count * POINT_WORDS)
    spare = [i for i in text if talk.weights[i] > 0][: max(0, 3 - len(chosen))]
    return tuple(shortened(talk.sentences[i].text, POINT_WORDS) for i in sorted([*chosen, *spare]))


def _topics(talk: _Talk) -> list[Topic]:
    found: list[Topic] = []
    weights_of = _topic_weights(talk)
    for number, group in groupby(range(len(talk.sentences)), key=lambda i: talk.topic_of[i]):
        rows = list(group)
        best = talk.sentences[_best(talk, rows)].text
        phrases = keyphrases((talk.sentences[i] for i in rows), weights_of[number], talk.language)
        title = title_of(phrases, best, count=2, language=talk.language)
        span = [talk.segments[i] for i in talk.topics[number]]
        end = max(segment.end for segment in span)
        found.append(Topic(title, span[0].start, end, shortened(best, POINT_WORDS)))
    return found


def _topic_weights(talk: _Talk) -> list[dict[str, float]]:
    """How much each stem tells a topic from the others: tf-idf with a topic as the document."""
    totals: list[defaultdict[str, float]] = [defaultdict(float) for _ in talk.topics]
    for sentence, number, weight in zip(talk.sentences, talk.topic_of, talk.weights.tolist(), strict=True):
        for term in sentence.terms:
            totals[number][term] += weight + 0.1
    spread = Counter(term for total in totals for term in total)
    return [{term: weight * log(1 + len(totals) / spread[term]) for term, weight in total.items()} for total in totals]


def _actions(talk: _Talk, names: Mapping[int, str]) -> tuple[ActionItem, ...]:
    """The cues are English; other languages have none."""
    if not talk.language.english:
        return ()
    limit = min(MOST_ACTION_ITEMS, round(3 + 1.5 * sqrt(talk.duration / 60)))

    def label_of(speaker: int) -> str:
        return names.get(speaker) or speaker_label(speaker)

    return action_items(talk.sentences, label_of, names.values(), limit=limit)
