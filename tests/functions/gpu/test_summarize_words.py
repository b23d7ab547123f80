"""Tokens, stems, sentences and phrases."""

import pytest

from functions.gpu.summarize_phrases import keyphrases, occasion, title_of
from functions.gpu.summarize_sentences import importance, sentences_of, shortened
from functions.gpu.summarize_words import Language, guess_language
from shared.domain.transcripts import Segment

ENGLISH = Language("en")


def texts(said: str, language: Language = ENGLISH) -> list[str]:
    return [sentence.text for sentence in sentences_of([Segment(0, 10.0, 20.0, said, 0)], language)]


def weight(said: str) -> float:
    (sentence,) = sentences_of([Segment(0, 0, 1, said, 0)], ENGLISH)
    return importance(sentence, ENGLISH)


def phrases(*said: str, language: Language = ENGLISH) -> list[str]:
    sentences = sentences_of([Segment(i, i, i + 1, text, 0) for i, text in enumerate(said)], language)
    weights = {term: 1.0 for sentence in sentences for term in sentence.terms}
    return [phrase.text for phrase in keyphrases(sentences, weights, language)]


@pytest.mark.parametrize(
    ("code", "text", "tokens"),
    [
        ("en", "Don’t stop: it's 42!", ["don't", "stop", "it's", "42"]),
        ("fr", "L'équipe d’accord", ["équipe", "accord"]),
        ("ja", "予算です", ["予算", "算で", "です"]),
        ("ja", "日", ["日"]),
        ("en", "İstanbul now", ["i̇stanbul", "now"]),
    ],
)
def test_tokens(code: str, text: str, tokens: list[str]) -> None:
    assert [word for word, _, _ in Language(code).tokens(text)] == tokens


@pytest.mark.parametrize(
    ("code", "text"), [("en", "İ don’t know"), ("fr", "L’équipe"), ("ja", "予算です"), ("de", "Straße")]
)
def test_tokens_know_where_they_are(code: str, text: str) -> None:
    for word, start, end in Language(code).tokens(text):
        assert text[start:end].lower().replace("’", "'") == word


@pytest.mark.parametrize(
    ("code", "word", "other"),
    [
        ("en", "customers", "customer's"),
        ("de", "kunden", "kunde"),
        ("ru", "бюджета", "бюджет"),
        ("es", "casas", "casa"),
    ],
)
def test_one_stem_for_the_forms_of_a_word(code: str, word: str, other: str) -> None:
    language = Language(code)
    assert language.term(word) == language.term(other) is not None


@pytest.mark.parametrize(("code", "word"), [("en", "the"), ("en", "x"), ("de", "und"), (None, "of"), ("xh", "la")])
def test_stop_words_have_no_term(code: str | None, word: str) -> None:
    assert Language(code).term(word) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "we looked at the numbers and we have some money left"),
        ("de", "wir haben uns die Zahlen angesehen und es ist noch Geld da"),
        ("fr", "nous avons regardé les chiffres et il reste de l'argent pour le projet"),
        ("nl", "we hebben naar de cijfers gekeken en er is nog geld voor het project"),
        (None, "бюджет на квартал почти истрачен"),
        (None, "budget"),
    ],
)
def test_the_language_is_guessed_by_its_small_words(code: str | None, text: str) -> None:
    assert guess_language([text]) == code


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        ("One thing. Two things! Three?", ["One thing.", "Two things!", "Three?"]),
        ("no punctuation at all here", ["No punctuation at all here."]),
        ("so um the plan is ready", ["The plan is ready."]),
        ("So far so good", ["So far so good."]),
        ("Great work, i like it", ["Great work, I like it."]),
        ("Well, thank you. Okay, the the price is 5 5 euros", ["Well, thank you.", "The price is 5 5 euros."]),
        ("Ask Dr. Lee. The J. Smith plan", ["Ask Dr. Lee.", "The J. Smith plan."]),
        ("iPhone sales are up", ["iPhone sales are up."]),
        ("What he said, i.e. nothing", ["What he said, i.e. nothing."]),
        ("...", []),
    ],
)
def test_sentences(said: str, sentences: list[str]) -> None:
    assert texts(said) == sentences


def test_sentences_of_a_script_without_spaces() -> None:
    assert texts("予算です。次です。", Language("ja")) == ["予算です。", "次です。"]


def test_times_are_interpolated_within_the_segment() -> None:
    first, second = sentences_of([Segment(0, 10.0, 20.0, "Half of the text. Half of the text.", 0)], ENGLISH)
    assert first.start == 10.0
    assert second.start == pytest.approx(15.1, abs=0.3)


@pytest.mark.parametrize(
    "said", ["Thank you all.", "Hello everyone.", "Good morning, how are you?", "Sounds good to me."]
)
def test_small_talk_weighs_nothing(said: str) -> None:
    assert weight(said) == 0


def test_announcements_and_facts_weigh_more_than_questions() -> None:
    plain = weight("The garden team visited another orchard farm.")
    assert weight("Let us discuss the garden team and the orchard.") > plain
    assert weight("The garden team planted a hundred orchard trees.") > plain
    assert weight("Did the garden team visit another orchard farm?") < plain / 2


def test_what_is_announced_comes_first() -> None:
    found = phrases("The slow page loads pictures.", "I want to talk about the customer survey.", "A slow page again.")
    assert found[0] == "customer survey"
    assert "slow page" in found


def test_no_two_phrases_share_a_word() -> None:
    found = phrases("the search page", "a new search index", "the page header")
    assert len(" ".join(found).split()) == len(set(" ".join(found).split()))


def test_phrases_do_not_cross_punctuation() -> None:
    assert set(phrases("the budget, survey")) == {"budget", "survey"}


def test_without_stop_words_there_are_no_phrases() -> None:
    assert phrases("Мы поговорим о бюджете", language=Language("ru")) == []


def test_the_occasion() -> None:
    sentences = sentences_of([Segment(0, 0, 1, "Welcome to the weekly project meeting", 0)], ENGLISH)
    assert occasion(sentences, ENGLISH) == "weekly project meeting"
    assert occasion(sentences, Language("de")) == ""


@pytest.mark.parametrize(
    ("said", "title"),
    [
        (("customer survey",), "Customer Survey"),
        (("customer survey", "the project budget"), "Customer Survey and Project Budget"),
        (("iPhone app", "NASA budget", "survey"), "iPhone App, NASA Budget and Survey"),
    ],
)
def test_titles(said: tuple[str, ...], title: str) -> None:
    sentences = sentences_of([Segment(i, i, i + 1, text, 0) for i, text in enumerate(said)], ENGLISH)
    weights = {term: 1.0 for sentence in sentences for term in sentence.terms}
    found = keyphrases(sentences, weights, ENGLISH)
    assert title_of(found, "fallback", count=3, language=ENGLISH) == title


def test_a_title_never_gets_too_long() -> None:
    found = "internationalization " * 9
    assert title_of([], found, count=3, language=ENGLISH).endswith("…")
    assert len(title_of([], "x" * 500, count=3, language=ENGLISH)) <= 80


def test_shortened() -> None:
    assert shortened("one two three", 3) == "one two three"
    assert shortened("one two, three four", 2) == "one two…"
