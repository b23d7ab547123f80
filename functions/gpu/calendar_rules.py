"""Appointments in English speech by rules: a sentence that names a day ahead and a time, or says what it is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from functions.gpu.calendar_words import Words, find_day, find_duration, find_time, words_of
from shared.domain.calendar import MOST_EVENTS, CalendarEvent
from shared.domain.transcripts import Segment


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: When an appointment begins of which only the day is known.
_MORNING = time(9)
_TITLE_CHARACTERS = 80
_LONGEST_SENTENCE = 60

_APPOINTMENTS = _set(
    "meet meeting appointment interview lunch dinner breakfast coffee demo presentation workshop deadline "
    "conference session standup kickoff webinar party exam flight dentist doctor training retrospective visit "
    "hearing audit review rehearsal"
)
#: What else speaks of one, where the words around it let it.
_CALLS = re.compile(
    r"\b(?:a|the|our|your|phone|video|conference|next) call\b|\bcall (?:me|you|us|him|her|them|with)\b|\bdue\b(?! to)"
)
#: Who says these looks back.
_BEHIND = _set(
    "was were had did met talked spoke discussed happened went came saw called told said decided agreed ago "
    "yesterday wrote sent missed"
)
_DENIED = re.compile(
    r"\b(?:not|never|cannot|can't|won't|don't|doesn't|isn't|aren't|no longer|cancel\w*)\b", re.IGNORECASE
)
_NO_DENIAL = re.compile(r"\bwhy don't (?:we|you|i)\b|\bdon't forget\b|\bif not\b|\bwhy not\b", re.IGNORECASE)


def find(
    segments: Sequence[Segment], names: Mapping[int, str], recorded_at: datetime | None, language: str | None
) -> tuple[CalendarEvent, ...]:
    """In order of time, each moment once, at most MOST_EVENTS. Nothing without `recorded_at`, and in English only."""
    if recorded_at is None or language not in (None, "en"):
        return ()
    found: dict[datetime, CalendarEvent] = {}
    for segment in segments:
        for sentence in _sentences(segment.text):
            try:
                event = _event(sentence, segment, names, recorded_at)
            except OverflowError:
                # It ends behind the last day of the calendar.
                continue
            if event is not None:
                found.setdefault(event.start, event)
    return tuple(sorted(found.values(), key=lambda event: event.start)[:MOST_EVENTS])


def _sentences(text: str) -> Iterator[str]:
    # The stops of `p.m.` end no sentence.
    whole = re.sub(r"\b([ap])\.\s?m\.?", r"\1m", text, flags=re.IGNORECASE)
    for sentence in re.split(r"(?<=[.!?])\s+", whole):
        if sentence.strip():
            yield sentence.strip()


def _event(sentence: str, segment: Segment, names: Mapping[int, str], recorded_at: datetime) -> CalendarEvent | None:
    words = words_of(sentence)
    if len(words) > _LONGEST_SENTENCE or _BEHIND & set(words) or _is_denied(sentence):
        return None
    day, times = find_day(words, recorded_at.date()), find_time(words)
    if day is None or (times is None and not _is_appointment(words, day, recorded_at)):
        return None
    begin, until = times or ((_MORNING.hour, _MORNING.minute), None)
    start = _at(day, begin, recorded_at)
    if start < recorded_at:
        return None
    who = None if segment.speaker is None else names.get(segment.speaker)
    said = " ".join(sentence.split())
    return CalendarEvent(
        _title(said), start, _end(words, day, start, until, recorded_at), f"{who}: {said}" if who else said
    )


def _is_appointment(words: Words, day: date, recorded_at: datetime) -> bool:
    """Without a time of day. What is said of today without one is as a rule about what goes on just now."""
    named = _APPOINTMENTS & set(words) or _CALLS.search(" ".join(words))
    return bool(named) and day > recorded_at.date()


def _end(
    words: Words, day: date, start: datetime, until: tuple[int, int] | None, recorded_at: datetime
) -> datetime | None:
    if until is not None:
        return _at(day, until, recorded_at)
    duration: timedelta | None = find_duration(words)
    return None if duration is None else start + duration


def _at(day: date, clock: tuple[int, int], recorded_at: datetime) -> datetime:
    """By the clock of the recording."""
    return datetime.combine(day, time(*clock), recorded_at.tzinfo).astimezone(UTC)


def _is_denied(sentence: str) -> bool:
    return _DENIED.search(_NO_DENIAL.sub("", sentence)) is not None


def _title(said: str) -> str:
    bare = said.rstrip(".!? ")
    return bare if len(bare) <= _TITLE_CHARACTERS else bare[: _TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
