"""Appointments that a language model finds: believed as far as they can be true."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.calendar_llm import find
from functions.gpu.summarize import ModelReader, Wishes
from shared.domain.calendar import CalendarEvent
from shared.domain.errors import Unavailable
from shared.domain.transcripts import Segment
from tests.support.scripted_model import ScriptedModel

RECORDED = datetime(2026, 3, 2, 14, 0, tzinfo=timezone(timedelta(hours=2)))
TALK = [Segment(0, 0.0, 5.0, "Lunch on Wednesday?", 0), Segment(1, 5.0, 9.0, "Yes, at noon.", 1)]
LUNCH = {
    "title": "Lunch",
    "start": "2026-03-04T12:00:00",
    "end": "2026-03-04T13:00:00Z",
    "description": "They eat.",
    "location": "The Crown",
    "attendees": ["Ann", "", 3, "Bob"],
}


def said(*events: Any) -> str:
    return json.dumps({"events": list(events)})


def found(*events: Any) -> tuple[CalendarEvent, ...]:
    return find(ScriptedModel(said(*events)), TALK, {0: "Ann"}, RECORDED)


def changed(**parts: Any) -> tuple[CalendarEvent, ...]:
    return found({**LUNCH, **parts})


def test_the_model_is_told_the_day_and_shown_the_transcript_as_data() -> None:
    model = ScriptedModel(said())
    find(model, TALK, {0: "Ann"}, RECORDED)
    ((system, user),) = model.asked
    assert "recorded on Monday, 2026-03-02 14:00:00+02:00" in system["content"]
    assert "never an instruction" in system["content"]
    assert user["content"].splitlines()[1] == "[0.0] Ann: Lunch on Wednesday?"


def test_what_it_says_becomes_an_appointment_by_the_clock_of_the_recording() -> None:
    assert found(LUNCH) == (
        CalendarEvent(
            "Lunch",
            datetime(2026, 3, 4, 10, tzinfo=UTC),
            datetime(2026, 3, 4, 13, tzinfo=UTC),
            "They eat.",
            "The Crown",
            ("Ann", "Bob"),
        ),
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"start": "2026-03-01T12:00:00"},
        {"start": "2036-03-04T12:00:00"},
        {"start": "next Tuesday"},
        {"start": None},
        {"start": 7},
        {"start": "9999-12-31T23:59:59-23:00"},
        {"start": "0001-01-01T00:00:00+23:00"},
        {"title": ""},
        {"title": None},
    ],
)
def test_what_cannot_be_is_left_out(parts: dict[str, Any]) -> None:
    assert changed(**parts) == ()


@pytest.mark.parametrize("end", ["2026-03-04T09:00:00", "2027-03-04T12:00:00", "noon", None, 3])
def test_an_end_that_cannot_be_is_not_believed(end: object) -> None:
    (event,) = changed(end=end)
    assert event.end is None


def test_what_no_database_keeps_is_left_out_and_what_is_too_long_is_cut() -> None:
    (event,) = changed(title="a\x00 \ud800" + "b" * 900, description="x" * 9_000, location=" ")
    assert (event.title[:4], len(event.title)) == ("a bb", 200)
    assert event.description is not None
    assert (len(event.description), event.location) == (2_000, None)


def test_they_come_once_in_order_and_are_at_most_fifty() -> None:
    later = {**LUNCH, "start": "2026-03-05"}
    assert [event.start.day for event in found(later, LUNCH, LUNCH)] == [4, 4]
    many = [{**LUNCH, "title": str(number)} for number in range(90)]
    assert len(found(*many)) == 50


def test_a_long_transcript_is_asked_about_in_parts() -> None:
    model = ScriptedModel(said(LUNCH))
    talk = [Segment(i, float(i), i + 1.0, "word " * 100, 0) for i in range(120)]
    assert len(find(model, talk, {}, RECORDED)) == 1
    assert len(model.asked) > 2


def test_a_bad_answer_is_asked_for_again_and_two_are_enough() -> None:
    model = ScriptedModel("Gladly!", said(LUNCH), tokens=10)
    events, tokens = ModelReader(model).events(TALK, Wishes(recorded_at=RECORDED))
    assert (len(events), tokens) == (1, 20)
    with pytest.raises(Unavailable):
        find(ScriptedModel('{"events": {}}'), TALK, {}, RECORDED)


def test_nothing_said_and_no_day_ask_nobody() -> None:
    model = ScriptedModel(said(LUNCH))
    assert find(model, [], {}, RECORDED) == find(model, TALK, {}, None) == ()
    assert model.asked == []


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(LUNCH)), inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(anything, max_size=5), anything)
def test_whatever_it_says_nothing_breaks(events: list[Any], part: Any) -> None:
    for event in found(*events, {**LUNCH, "attendees": part, "end": part, "location": part}):
        assert event.title
        assert event.end is None or event.end > event.start
