"""Which sentences are tasks, and whose."""

import pytest

from functions.gpu.summarize_actions import action_items
from functions.gpu.summarize_sentences import sentences_of
from functions.gpu.summarize_words import Language
from shared.domain.transcripts import ActionItem, Segment, speaker_label

ENGLISH = Language("en")


def found(*texts: str, limit: int = 20, names: tuple[str, ...] = ("Ann Lee", "Bob", "Will Ford")) -> list[ActionItem]:
    segments = [Segment(i, i * 5.0, i * 5.0 + 4, text, 1) for i, text in enumerate(texts)]
    return list(action_items(sentences_of(segments, ENGLISH), speaker_label, names, limit=limit))


@pytest.mark.parametrize(
    "text",
    [
        "I will send the new plan to everyone by Friday.",
        "i'll check the logs",
        "I'm going to call the supplier tomorrow.",
        "I have to finish the report.",
        "I can take care of the invitations.",
        "So I’ll book the room.",
    ],
)
def test_the_first_person_is_the_speaker(text: str) -> None:
    (item,) = found(text)
    assert item.assignee == "SPEAKER_01" and item.start == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "We need to update the price list.",
        "we should hire another tester",
        "Let's order the new screens.",
        "Can we move the deadline by Friday?",
        "Could you please write that down?",
        "Please send me the invoice.",
        "Somebody has to clean the kitchen.",
        "The action items are the plan and the survey.",
        "The next steps are clear.",
        "We are going to replace the server next week.",
        "You need to sign the contract.",
    ],
)
def test_tasks_without_a_name_are_nobodys(text: str) -> None:
    (item,) = found(text)
    assert item.assignee is None


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Ann, can you send the slides?", "Ann Lee"),
        ("bob can you look at the heating", "Bob"),
        ("Can you call the bank, Ann?", "Ann Lee"),
        ("Bob will prepare the demo and Ann needs to review it.", "Bob"),
        ("Ann Lee has to renew the licence.", "Ann Lee"),
        ("Okay, Zoë, could you book a table?", "Zoë"),
        ("I will send it to Bob.", "SPEAKER_01"),
        ("We will send the plan.", None),
    ],
)
def test_whose_task_it_is(text: str, who: str | None) -> None:
    (item,) = found(text)
    assert item.assignee == who


@pytest.mark.parametrize(
    "text",
    [
        "Today we will talk about the budget.",
        "I will be honest with you.",
        "I have to say that I like it.",
        "Let's see.",
        "Let's start.",
        "I think so.",
        "We don't need to change anything.",
        "If we need to move, we will be late.",
        "Can we talk about it?",
        "That is less than I expected.",
        "Thank you, I will.",
        "The design team can wait until March.",
        "I had to wait.",
        "",
    ],
)
def test_other_talk_is_no_task(text: str) -> None:
    assert found(text) == []


def test_a_nameless_person_may_have_no_speaker() -> None:
    sentences = sentences_of([Segment(0, 1.0, 2.0, "I will send the plan.", None)], ENGLISH)
    assert action_items(sentences, speaker_label, (), limit=3) == (ActionItem("I will send the plan.", 1.0, None),)


def test_the_same_task_is_said_once() -> None:
    assert [
        item.start for item in found("I will send the plan.", "So I will send the plan tomorrow.", "We'll eat.")
    ] == [
        5.0,
        10.0,
    ]


def test_the_limit_keeps_the_strongest_in_order_of_time() -> None:
    texts = (
        "We should paint the wall.",
        "I will call the bank by Monday.",
        "The action items are the bank and the car.",
    )
    assert [item.start for item in found(*texts, limit=2)] == [5.0, 10.0]


def test_the_start_lies_within_the_segment() -> None:
    (item,) = found("We looked at the numbers for a long time yesterday. I will send the plan.")
    assert item.start is not None and 2.0 < item.start < 4.0
