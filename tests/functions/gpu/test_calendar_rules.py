"""Appointments in spoken English: what is one is found with its time, and nothing is made up."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.calendar_rules import find
from functions.gpu.calendar_words import find_day, find_duration, find_time, words_of
from shared.domain.calendar import CalendarEvent
from shared.domain.transcripts import Segment

#: A Monday.
RECORDED = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def found(said: str, recorded_at: datetime | None = RECORDED, language: str | None = "en") -> tuple[CalendarEvent, ...]:
    return find([Segment(0, 0.0, 1.0, said, 0)], {0: "Ann"}, recorded_at, language)


APPOINTMENTS = [
    ("let's meet next Tuesday at three p m", "03-10 15:00"),
    ("on the fourth of March at ten thirty", "03-04 10:30"),
    ("On March 4th at 10:30 we have the review.", "03-04 10:30"),
    ("See you tomorrow at noon.", "03-03 12:00"),
    ("tomorrow morning at nine let's talk", "03-03 09:00"),
    ("the deadline is friday", "03-06 09:00"),
    ("the report is due on the twenty first of march", "03-21 09:00"),
    ("The day after tomorrow at half past two.", "03-04 14:30"),
    ("the interview is on Thursday from two to three pm", "03-05 14:00-15:00"),
    ("between ten and eleven on friday", "03-06 10:00-11:00"),
    ("the workshop on friday is from 9:30 until 17:00", "03-06 09:30-17:00"),
    ("let's have lunch on friday for an hour at twelve", "03-06 12:00-13:00"),
    ("Friday at ten o'clock for ninety minutes", "03-06 10:00-11:30"),
    ("Friday at ten for an hour and a half", "03-06 10:00-11:30"),
    ("call me in two weeks at quarter to five", "03-16 16:45"),
    ("monday at three", "03-09 15:00"),
    ("so monday at three works for me", "03-09 15:00"),
    ("on the fifteenth at ten", "03-15 10:00"),
    ("on the first at ten", "04-01 10:00"),
    ("next week on wednesday at 4 pm", "03-11 16:00"),
    ("wednesday next week at 4pm", "03-11 16:00"),
    ("dinner tonight at seven", "03-02 19:00"),
    ("Tuesday, March 10, at 3 p.m. in the office.", "03-10 15:00"),
    ("the flight is on may fourth", "05-04 09:00"),
    ("the flight is on may fourth at six thirty in the morning", "05-04 06:30"),
    ("why don't we meet on tuesday at eleven", "03-03 11:00"),
    ("Don't forget the demo on Thursday!", "03-05 09:00"),
    ("2026-04-01 at 14:30 is the hearing", "04-01 14:30"),
]


def test_what_ends_behind_the_last_day_of_the_calendar_is_left_out() -> None:
    said = "The party is on 9999-12-31 at 11 pm for two hours. The demo is on friday at ten."
    assert [f"{event.start:%m-%d %H:%M}" for event in found(said)] == ["03-06 10:00"]


@pytest.mark.parametrize(("said", "when"), APPOINTMENTS, ids=[said for said, _ in APPOINTMENTS])
def test_what_is_an_appointment_is_found(said: str, when: str) -> None:
    shown = [
        f"{event.start:%m-%d %H:%M}" + (f"-{event.end:%H:%M}" if event.end is not None else "") for event in found(said)
    ]
    assert shown == [when]


def test_a_year_may_be_said() -> None:
    for said in ("march twenty first twenty twenty seven at eight pm", "on March 21st, 2027 at 8 p.m."):
        assert [event.start for event in found(said)] == [datetime(2027, 3, 21, 20, tzinfo=UTC)]
    assert found("on the first of february at noon") == (), "it has just been"
    assert [event.start.year for event in found("on the first of november at noon")] == [2026]


@pytest.mark.parametrize(
    "said",
    [
        "may I have one second",
        "we march on",
        "March on friday",
        "the march to the sea took ten days",
        "you may second the motion at three",
        "they march second in line at three",
        "may ten people come at three",
        "the first of may was nice",
        "in may we meet",
        "sales rose by three in may",
        "on tuesday at three locations we saw problems",
        "twenty five people at ten locations on friday",
        "at three percent by friday",
        "on Tuesday I was ill",
        "we met last Tuesday at three",
        "every Tuesday at three we have a meeting",
        "I will not meet you on Friday at three",
        "the meeting on friday is cancelled",
        "one may call it a day today",
        "thanks for joining the meeting today",
        "this morning at nine today we have the review",
        "due to the rain tomorrow",
        "on the second floor at three",
        "the meeting is at three",
        "see the results of friday",
        "can you check the numbers by tomorrow",
        "the thirtieth of february at noon",
        "in a second",
        "he sat in the sun",
        "one two three four five",
        "",
        "?!",
    ],
)
def test_what_is_none_is_not_made_up(said: str) -> None:
    assert found(said) == ()


def test_an_appointment_says_who_spoke_of_it_and_in_which_words() -> None:
    (event,) = found("Fine.  Let's meet on Friday at ten. Bye.")
    assert event == CalendarEvent(
        "Let's meet on Friday at ten", datetime(2026, 3, 6, 10, tzinfo=UTC), None, "Ann: Let's meet on Friday at ten."
    )
    (long,) = found("let's meet " + "and talk about everything " * 8 + "on friday at ten")
    assert len(long.title) <= 80
    assert long.title.endswith("…")


def test_times_are_by_the_clock_of_the_recording() -> None:
    there = RECORDED.replace(hour=23, tzinfo=timezone(timedelta(hours=-5)))
    (event,) = found("tomorrow at ten", there)
    assert event.start == datetime(2026, 3, 3, 15, tzinfo=UTC)


def test_the_same_moment_is_one_appointment_and_they_come_in_order() -> None:
    segments = [
        Segment(0, 0.0, 1.0, "Thursday at ten?", 0),
        Segment(1, 1.0, 2.0, "Tomorrow at ten? Yes, Thursday at ten.", None),
    ]
    events = find(segments, {}, RECORDED, None)
    assert [event.start.day for event in events] == [3, 5]
    assert [event.description for event in events] == ["Tomorrow at ten?", "Thursday at ten?"]


def test_there_are_never_more_than_fifty() -> None:
    segments = [Segment(i, 0.0, 1.0, f"in {i + 1} days at noon", 0) for i in range(80)]
    assert len(find(segments, {}, RECORDED, "en")) == 50


@pytest.mark.parametrize("recorded_at", [None, RECORDED])
def test_other_languages_and_recordings_without_a_time_have_none(recorded_at: datetime | None) -> None:
    said = "let's meet on friday at ten"
    assert found(said, recorded_at, "de") == ()
    assert (found(said, recorded_at, "en") == ()) is (recorded_at is None)


def test_at_the_end_of_the_calendar_nothing_breaks() -> None:
    last = datetime(9998, 12, 31, 23, tzinfo=UTC)
    for said, _ in APPOINTMENTS:
        found(said, last)


SAID = (
    "on at the next monday march may fourth second 4th 2026-02-30 24:00 ten thirty half quarter past to from between "
    "and until in weeks days tomorrow for an hour pm am of twenty 99 0 oclock noon after day tonight"
)
WORDS = st.lists(st.sampled_from(SAID.split(" ")), max_size=9)


@given(WORDS, st.dates(date(2000, 1, 1), date(9998, 12, 31)))
def test_whatever_is_said_a_day_lies_ahead_and_a_time_is_one(words: list[str], today: date) -> None:
    said = words_of(" ".join(words))
    day, times, duration = find_day(said, today), find_time(said), find_duration(said)
    assert day is None or day >= today
    assert times is None or all(0 <= hour <= 23 and 0 <= minute <= 59 for hour, minute in filter(None, times))
    assert duration is None or timedelta() <= duration <= timedelta(hours=25)
    found(" ".join(words), datetime(today.year, today.month, today.day, 12, tzinfo=UTC))
