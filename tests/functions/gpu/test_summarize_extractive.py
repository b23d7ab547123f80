"""The extractive summarizer on the sample meeting, on what recognition makes of it, and on whatever else may come."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.gpu.summarize import ExtractiveSummarizer, Reader, RuleReader, Wishes
from shared.domain.transcripts import Segment, Summary

SAMPLE = json.loads((Path(__file__).parents[3] / "samples" / "meeting.ref.json").read_text())
VOICES = ["slt", "rms", "awb"]

# What pocketsphinx made of the sample.
MISHEARD = """\
hello everyone welcome to the weekly project meeting today we will talk about the budget and the new schedule
sam q i look at the numbers last night and we have about ten thousand dollars left for this quarter
that is less than i expected can remove some of the work to the next month
i think sell the design team can wait until the first week of march
fine with me i will send a new plan to everyone by friday afternoon
could i also want to talk about the customer survey we have two hundred and such so far
what did the customers say about the new search page
most of them like it but they think that the pages to slow on the phone
i can look into that it is probably the size of the pictures
great so the action items are the new plant the survey rape charge and the slow page thank you all"""


def meeting(change: Callable[[str], str] = str) -> list[Segment]:
    return [
        Segment(i, said["start"], said["end"], change(said["text"]), VOICES.index(said["voice"]))
        for i, said in enumerate(SAMPLE)
    ]


def bare(text: str) -> str:
    return re.sub(r"[.,?!]", "", text.lower())


def misheard() -> list[Segment]:
    return [
        Segment(s.position, s.start, s.end, text, s.speaker)
        for s, text in zip(meeting(), MISHEARD.split("\n"), strict=True)
    ]


def spoken(*texts: str, seconds: float = 6.0) -> list[Segment]:
    return [Segment(i, i * seconds, i * seconds + seconds - 0.5, text, i % 2) for i, text in enumerate(texts)]


def summarize(segments: list[Segment], **more: object) -> Summary:
    return ExtractiveSummarizer().summarize(segments, **more)  # pyright: ignore[reportArgumentType]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def test_it_is_a_summarizer() -> None:
    reader: Reader = RuleReader()
    summary, tokens = reader.summary(meeting(), Wishes())
    assert (summary.model, tokens) == ("extractive", 0)


@pytest.mark.parametrize("segments", [meeting(), meeting(bare), misheard()], ids=["read", "bare", "misheard"])
def test_the_title_of_the_sample(segments: list[Segment]) -> None:
    title = summarize(segments, language="en").title
    assert title.startswith("Weekly Project Meeting: Budget, ")
    assert "Customer Survey" in title and len(title) <= 80


def test_the_text_of_the_sample_is_short_and_in_order() -> None:
    text = summarize(meeting()).text
    said = " ".join(said["text"] for said in SAMPLE)
    sentences = re.split(r"(?<=[.?!]) ", text)
    places = [said.lower().find(sentence.lower()) for sentence in sentences]
    assert 3 <= len(sentences) <= 6
    assert len(words(text)) <= 120
    assert -1 not in places and places == sorted(places)
    assert "Today we will talk about the budget and the new schedule." in text


def test_the_key_points_of_the_sample_are_other_sentences() -> None:
    summary = summarize(meeting())
    assert 3 <= len(summary.key_points) <= 7
    assert not [point for point in summary.key_points if point in summary.text]
    assert any("too slow on a phone" in point for point in summary.key_points)


@pytest.mark.parametrize("segments", [meeting(), meeting(bare), misheard()], ids=["read", "bare", "misheard"])
def test_the_topics_of_the_sample(segments: list[Segment]) -> None:
    topics = summarize(segments, language="en").topics
    assert 2 <= len(topics) <= 4
    assert topics[0].title == "Budget and Schedule"
    assert topics[1].title == "Customer Survey and Search Page"
    assert topics[1].start == 28.74
    assert all(topic.summary for topic in topics)


@pytest.mark.parametrize("segments", [meeting(), meeting(bare), misheard()], ids=["read", "bare", "misheard"])
def test_the_action_items_of_the_sample(segments: list[Segment]) -> None:
    plan, page, closing = summarize(segments, speaker_names={1: "Ruth"}, language="en").action_items
    assert re.match(r"I will send (the|a) new plan to everyone by friday afternoon", plan.text)
    assert plan.assignee == "Ruth" and plan.start is not None and 23.4 <= plan.start < 28.3
    assert page.text.startswith("I can look into that") and page.assignee == "Ruth"
    assert closing.text.startswith("The action items are the new plan") and closing.assignee is None


def test_a_nameless_speaker_is_shown_by_label() -> None:
    assert summarize(meeting()).action_items[0].assignee == "SPEAKER_01"


def test_small_talk_is_no_content() -> None:
    summary = summarize(meeting())
    everything = " ".join((summary.text, *summary.key_points, *(topic.summary for topic in summary.topics)))
    assert not re.search(r"hello|thank you|fine with me|great\b", everything.lower())


def test_nothing_but_small_talk_has_no_points() -> None:
    summary = summarize(spoken("Hello everyone.", "Thank you all.", "Good morning, how are you?"), language="en")
    assert summary.key_points == () and summary.action_items == ()
    assert summary.title and summary.text


def test_fillers_and_stutters_are_left_out() -> None:
    text = summarize(spoken("so um we we need to move the the uh database server to the cloud"), language="en").text
    assert text == "We need to move the database server to the cloud."


@pytest.mark.parametrize("segments", [[], spoken(""), spoken("...", " ", "?!")], ids=["none", "blank", "no words"])
def test_an_empty_transcript(segments: list[Segment]) -> None:
    assert summarize(segments) == Summary("", "", (), (), (), "extractive")


@pytest.mark.parametrize("word", ["budget", "uh", "a", "7", "ß", "日", "İ", "the"])
def test_one_word(word: str) -> None:
    summary = summarize(spoken(word))
    assert summary.title and summary.text and len(summary.topics) == 1


def test_without_times() -> None:
    summary = summarize([Segment(i, 0.0, 0.0, said["text"], None) for i, said in enumerate(SAMPLE)])
    assert summary.title and summary.text
    assert {item.assignee for item in summary.action_items} == {None}


def test_a_question_is_not_what_was_said() -> None:
    summary = summarize(
        spoken("Is the server budget too small?", "The server budget is two thousand euros.", "The budget is fine now.")
    )
    assert summary.text == "The server budget is two thousand euros. The budget is fine now."


GERMAN = [
    "Guten Morgen zusammen, heute sprechen wir über das Budget und den neuen Zeitplan.",
    "Für dieses Quartal bleiben etwa zehntausend Euro vom Budget.",
    "Das Designteam kann mit dem Zeitplan bis zur ersten Märzwoche warten.",
    "Ich schicke den neuen Zeitplan bis Freitag an alle.",
    "Dann möchte ich noch über die Kundenumfrage sprechen.",
    "Die meisten Kunden mögen die Suchseite, aber die Suchseite ist auf dem Handy zu langsam.",
    "Das liegt wahrscheinlich an der Größe der Bilder auf der Suchseite.",
]


@pytest.mark.parametrize("language", ["de", None, "de-AT"])
def test_german(language: str | None) -> None:
    summary = summarize(spoken(*GERMAN), language=language)
    assert "Zeitplan" in summary.title and "Suchseite" in summary.title
    assert 3 <= len(summary.key_points) <= 7
    assert summary.action_items == ()


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("ru", "Сегодня мы поговорим о бюджете. Бюджет на квартал почти истрачен. Команда может подождать до марта."),
        ("ja", "今日は予算について話します。 予算は思ったより少ないですね。 次に顧客アンケートについて話したいです。"),
        (
            "ko",
            "오늘은 예산과 일정에 대해 이야기하겠습니다. 예산이 남아 있습니다. 고객은 검색 페이지가 느리다고 합니다.",
        ),
        ("xh", "Molweni nonke. Namhlanje siza kuthetha ngohlahlo lwabiwo-mali. Enkosi kakhulu."),
    ],
)
def test_any_language_has_a_summary_of_its_own_sentences(language: str, lines: str) -> None:
    said = re.split(r"(?<=[.。]) ", lines)
    summary = summarize(spoken(*said), language=language)
    assert summary.title.rstrip("…") in lines
    assert all(sentence in lines for sentence in re.split(r"(?<=[.。]) ", summary.text))


segments_of_anything = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.one_of(
            st.text(max_size=80),
            st.lists(st.sampled_from([*MISHEARD.split(), "İ", "ﬁ", "ß", "…", "42", "I'll"]), max_size=20).map(" ".join),
        ),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=40,
)


@given(segments_of_anything, st.sampled_from([None, "en", "fr", "tr", "zh", "xx"]))
@settings(deadline=None, max_examples=150)
def test_whatever_comes_the_summary_is_in_shape(spoken: list[tuple[float, str, int | None]], language: str) -> None:
    segments: list[Segment] = []
    at = 0.0
    for seconds, text, speaker in spoken:
        segments.append(Segment(len(segments), at, at + seconds, text, speaker))
        at += seconds
    summary = summarize(segments, speaker_names={0: "Ann"}, language=language)
    said = " ".join(words(" ".join(segment.text for segment in segments)))
    assert len(summary.title) <= 80
    assert bool(summary.title) == bool(summary.text) == bool(summary.topics) == bool(said)
    assert len(summary.key_points) <= 7
    assert [topic.start for topic in summary.topics] == sorted(topic.start for topic in summary.topics)
    assert all(0 <= topic.start <= topic.end <= at for topic in summary.topics)
    assert all(item.start is not None and 0 <= item.start <= at for item in summary.action_items)
    assert {item.assignee for item in summary.action_items} <= {None, "Ann", "SPEAKER_01"}


SUBJECTS = [
    "budget invoice payment salary account",
    "garden flower tree soil harvest",
    "rocket orbit satellite launch moon",
    "hospital nurse patient surgery medicine",
    "recipe oven butter flour cake",
    "football goal referee stadium league",
    "violin orchestra concert melody piano",
    "glacier climate ocean carbon temperature",
    "castle king battle empire treaty",
    "engine brake tyre gearbox driver",
]
GLUE = "we and the it is that about with for so I on this they have but not"


def an_hour() -> tuple[list[Segment], list[float]]:
    """Ten subjects of six minutes each, and where each begins."""
    rng, glue = random.Random(7), GLUE.split()
    segments: list[Segment] = []
    starts: list[float] = []
    for subject in SUBJECTS:
        nouns = subject.split()
        starts.append(len(segments) * 6.0)
        for _ in range(60):
            text = " ".join(rng.choice(nouns if rng.random() < 0.25 else glue) for _ in range(14))
            segments.append(Segment(len(segments), len(segments) * 6.0, len(segments) * 6.0 + 5.5, text, 0))
    return segments, starts


def test_an_hour_has_about_ten_topics_where_the_words_change() -> None:
    segments, starts = an_hour()
    topics = summarize(segments, language="en").topics
    found = [start for start in starts if any(abs(topic.start - start) <= 30 for topic in topics)]
    assert 8 <= len(topics) <= 15
    assert len(found) >= 9


def test_the_topics_of_an_hour_are_named_after_their_words() -> None:
    segments, starts = an_hour()
    topics = summarize(segments, language="en").topics
    for subject, start in zip(SUBJECTS, starts, strict=True):
        midst = next(topic for topic in topics if topic.start <= start + 180 < topic.end)
        assert set(words(midst.title)) & set(subject.split())


def test_ten_hours_take_little_memory() -> None:
    code = """
import random
from pathlib import Path
from functions.gpu.summarize_extractive import ExtractiveSummarizer
from shared.domain.transcripts import Segment
rng = random.Random(1)
vocabulary = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("an", "el", "ir", "os", "un") for c in ("da", "ke", "mo")]
glue = "we the to of and I will need send it is that for on with can you please".split()
text = lambda: " ".join(rng.choice(vocabulary if rng.random() < 0.4 else glue) for _ in range(12))
talk = [Segment(i, i * 4.0, i * 4.0 + 3.9, text(), i % 5) for i in range(9000)]
summary = ExtractiveSummarizer().summarize(talk, language="en")
# Not ru_maxrss: that of a child begins at the peak of its parent.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) / 1024, len(summary.topics))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    megabytes, topics = map(float, done.stdout.split())
    assert megabytes < 300
    assert 20 <= topics <= 60
