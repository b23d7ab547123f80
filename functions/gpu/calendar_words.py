"""Days and times of day as people say them in English: words in, dates and clock times out.

Made for speech: numbers may be spelled out and punctuation be missing. What could mean something else is passed over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Words = Sequence[str]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _numbered(words: str, first: int = 0) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), first)}


_WEEKDAYS = _numbered("monday tuesday wednesday thursday friday saturday sunday")
_MONTHS = _numbered("january february march april may june july august september october november december", 1)
#: Also verbs: they need a word before them that does not go before a verb.
_VERBS = _set("march may")
_BEFORE_MONTHS = _set("on by until till for of from is before after") | _WEEKDAYS.keys()
_UNITS = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = {
    word: 10 * tens for word, tens in _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()
}
_ORDINALS = {
    **_numbered(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
        1,
    ),
    "thirtieth": 30,
}
#: Before a day these say that it is over, or comes again and again.
_NOT_ONE_DAY = _set("last past previous every each since most some")
#: What follows a bare number that is a time of day; before a noun it is a number of things.
_AFTER_TIMES = (
    _set(
        "and or so then but if in on with at for to till until from because when where which that would will is we you "
        "i they he she it sharp today tomorrow tonight next this maybe perhaps please okay ok right yes no works good "
        "fine our my your the let's let us as usual does do can could shall should instead again"
    )
    | _WEEKDAYS.keys()
)
_MORNING, _AFTERNOON, _EVENING = _set("morning"), _set("afternoon"), _set("evening tonight night")


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. `certain`: it cannot be anything else; `halved`: it says which half of the day it means.

    `end` is where its words end.
    """

    hour: int
    minute: int
    certain: bool
    halved: bool
    end: int


def words_of(sentence: str) -> list[str]:
    """Lower-case words and numbers; `3pm`, `3 p.m.` and `three p m` all have the word `pm`."""
    said = sentence.lower().replace("’", "'")
    said = re.sub(r"\bo[' ]?\s?clock\b", "oclock", said)
    said = re.sub(r"(?<![a-z])([ap])\.?\s?m\b\.?", r" \1m ", said)
    return [
        word.removesuffix("'s") for word in re.findall(r"\d{4}-\d\d-\d\d|\d+:\d\d|\d+(?:st|nd|rd|th)?|[a-z']+", said)
    ]


def find_day(words: Words, today: date) -> date | None:
    """The first day that is named, a date rather than a weekday; None if there is none from `today` on."""
    for pattern in (_date, _relative, _weekday, _day_of_month):
        for at in range(len(words)):
            if (at == 0 or words[at - 1] not in _NOT_ONE_DAY) and (found := pattern(words, at, today)) is not None:
                return found if found >= today else None
    return None


def _date(words: Words, at: int, today: date) -> date | None:
    """`March fourth`, `the 4th of March 2027`, `2026-03-04`."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words[at]):
        return _on(*map(int, words[at].split("-")))
    if words[at] in _MONTHS:
        return _month_first(words, at, today)
    day, after = _ordinal(words, at) or _number(words, at) or (0, 0)
    if not day or after >= len(words):
        return None
    after += words[after] == "of"
    if after < len(words) and words[after] in _MONTHS:
        is_number = words[at] not in _ORDINALS and words[after - 1] != "of"
        if not (is_number and words[after] in _VERBS and not words[at].isdigit()):
            return _dated(_MONTHS[words[after]], day, words, after + 1, today)
    return None


def _month_first(words: Words, at: int, today: date) -> date | None:
    behind = at + 1 + (_word(words, at + 1) == "the")
    found = _ordinal(words, behind) or _number(words, behind)
    if words[at] in _VERBS and not _is_month(words, at, behind):
        return None
    return None if found is None else _dated(_MONTHS[words[at]], found[0], words, found[1], today)


def _is_month(words: Words, at: int, behind: int) -> bool:
    """Whether `march` or `may` is one here: `on May 4`, `March fourth`; not `may second the motion`."""
    if at == 0:
        return _ordinal(words, behind) is not None and words[behind] != "second"
    return words[at - 1] in _BEFORE_MONTHS and (_ordinal(words, behind) is not None or _word(words, behind).isdigit())


def _dated(month: int, day: int, words: Words, at: int, today: date) -> date | None:
    """Without a year the next such day is meant; one that has just been is what people look back on."""
    if (year := _year(words, at)) is not None:
        return _on(year, month, day)
    found = _on(today.year, month, day)
    if found is not None and today - timedelta(days=90) <= found < today:
        return None
    return found if found is None or found >= today else _on(today.year + 1, month, day)


def _year(words: Words, at: int) -> int | None:
    if re.fullmatch(r"20\d\d", _word(words, at)):
        return int(words[at])
    if _word(words, at) == "twenty" and (found := _number(words, at + 1)) and 20 <= found[0] < 60:
        return 2000 + found[0]
    return None


def _on(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _relative(words: Words, at: int, today: date) -> date | None:
    if words[at] in ("today", "tonight"):
        return today
    if words[at] == "tomorrow":
        return _in_days(today, 2 if tuple(words[max(0, at - 2) : at]) == ("day", "after") else 1)
    if words[at] == "in" and (found := _count(words, at + 1)) and found[0] <= 400:
        unit = _word(words, found[1])
        if unit in ("day", "days", "week", "weeks") and _word(words, found[1] + 1) not in ("or", "of"):
            return _in_days(today, found[0] * (7 if unit.startswith("week") else 1))
    return None


def _weekday(words: Words, at: int, today: date) -> date | None:
    """The coming one; `next` makes it that of the next week."""
    if words[at] not in _WEEKDAYS:
        return None
    before = words[max(0, at - 1) : at]
    if [*before] == ["next"] and at > 1 and words[at - 2] in _NOT_ONE_DAY:
        return None
    ahead = (_WEEKDAYS[words[at]] - today.weekday()) % 7 or 7
    in_next_week = [*before] == ["next"] or "next week" in " ".join(words)
    if in_next_week and today.weekday() + ahead < 7:
        ahead += 7
    return _in_days(today, ahead)


def _day_of_month(words: Words, at: int, today: date) -> date | None:
    """`on the fifteenth at ten`: this month, or the next."""
    if words[at] != "the" or at == 0 or words[at - 1] != "on" or (found := _ordinal(words, at + 1)) is None:
        return None
    if _word(words, found[1]) not in ("at", "from", "around"):
        return None
    this = _on(today.year, today.month, found[0])
    if this is not None and this >= today:
        return this
    return _on(today.year + today.month // 12, today.month % 12 + 1, found[0])


def _in_days(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def find_time(words: Words) -> tuple[tuple[int, int], tuple[int, int] | None] | None:
    """The first time of day as (hour, minute), and that of the end if one is said; None if there is none."""
    for at, word in enumerate(words):
        if word in ("noon", "midday"):
            return (12, 0), None
        if word in ("from", "between") and (found := _range(words, at)) is not None:
            return found
        clock = clock_at(words, at + 1) if word == "at" else clock_at(words, at)
        if clock is not None and (clock.certain or (word == "at" and _word(words, clock.end, "so") in _AFTER_TIMES)):
            return _range(words, at) or (_in_the_day(clock, words), None)
    return None


def _range(words: Words, at: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """`from two to three pm`, `at ten until half past eleven`."""
    begin = clock_at(words, at + 1) or clock_at(words, at)
    if begin is None or _word(words, begin.end) not in ("to", "till", "until", "and"):
        return None
    end = clock_at(words, begin.end + 1)
    if end is None or not (end.certain or _word(words, end.end, "so") in _AFTER_TIMES):
        return None
    if words[begin.end] == "and" and words[at] != "between":
        return None
    first, last = _in_the_day(begin, words), _in_the_day(end, words)
    if end.halved and not begin.halved and begin.hour <= 12 and last[0] >= 12 and begin.hour % 12 < last[0] - 11:
        first = (begin.hour % 12 + 12, begin.minute)
    return (first, last) if last > first else None


def clock_at(words: Words, at: int) -> Clock | None:
    """A time of day that is said from there on: `half past ten`, `ten thirty`, `14:30`, `three pm`."""
    return _digits(words, at) or _past(words, at) or _hour(words, at)


def _digits(words: Words, at: int) -> Clock | None:
    found = re.fullmatch(r"(\d\d?):(\d\d)", _word(words, at))
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return _halved(words, at + 1, int(found[1]), int(found[2]), certain=True)


def _past(words: Words, at: int) -> Clock | None:
    minutes = {"half": 30, "quarter": 15}.get(_word(words, at + (_word(words, at) == "a")))
    behind = at + (_word(words, at) == "a") + 1
    if minutes is None or _word(words, behind) not in ("past", "to") or (minutes, words[behind]) == (30, "to"):
        return None
    hour = _number(words, behind + 1)
    if hour is None or not 1 <= hour[0] <= 12:
        return None
    if words[behind] == "past":
        return _halved(words, hour[1], hour[0], minutes, certain=True)
    return _halved(words, hour[1], hour[0] - 1 or 12, 60 - minutes, certain=True)


def _hour(words: Words, at: int) -> Clock | None:
    hour = _number(words, at)
    if hour is None or not 0 <= hour[0] <= 23:
        return None
    minute, behind = _minutes(words, hour[1]) or (0, hour[1])
    certain = _word(words, behind) == "oclock"
    return _halved(words, behind + certain, hour[0], minute, certain=certain)


def _minutes(words: Words, at: int) -> tuple[int, int] | None:
    """`thirty`, or `oh five`."""
    if _word(words, at) in ("oh", "o"):
        found = _number(words, at + 1)
        return found if found is not None and found[0] < 10 else None
    found = _number(words, at)
    return found if found is not None and 10 <= found[0] <= 59 else None


def _halved(words: Words, at: int, hour: int, minute: int, *, certain: bool) -> Clock | None:
    """With the half of the day, if the next words say it."""
    half = _word(words, at)
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        return Clock(hour % 12 + (12 if half == "pm" else 0), minute, certain=True, halved=True, end=at + 1)
    if half == "in" and _word(words, at + 1) == "the" and _word(words, at + 2) in ("morning", "afternoon", "evening"):
        certain = True
    return Clock(hour, minute, certain, hour == 0 or hour > 12, at)


def _in_the_day(clock: Clock, words: Words) -> tuple[int, int]:
    """Without any hint, one to seven are in the afternoon: so are most appointments."""
    hour = clock.hour
    if clock.halved or hour == 12:
        return hour, clock.minute
    if _EVENING & set(words):
        return hour + (12 if hour >= 5 else 0), clock.minute
    if _MORNING & set(words):
        return hour, clock.minute
    return hour + (12 if hour < 8 or _AFTERNOON & set(words) else 0), clock.minute


def find_duration(words: Words) -> timedelta | None:
    """`for an hour`, `for half an hour`, `for ninety minutes`."""
    for at, word in enumerate(words):
        if word == "for" and tuple(words[at + 1 : at + 4]) == ("half", "an", "hour"):
            return timedelta(minutes=30)
        if word == "for" and (found := _count(words, at + 1)):
            unit = _word(words, found[1])
            if unit in ("hour", "hours") and found[0] <= 24:
                more = tuple(words[found[1] + 1 : found[1] + 4]) == ("and", "a", "half")
                return timedelta(hours=found[0] + more / 2)
            if unit in ("minute", "minutes") and found[0] <= 24 * 60:
                return timedelta(minutes=found[0])
    return None


def _word(words: Words, at: int, default: str = "") -> str:
    return words[at] if at < len(words) else default


def _count(words: Words, at: int) -> tuple[int, int] | None:
    return (1, at + 1) if _word(words, at) in ("a", "an") else _number(words, at)


def _number(words: Words, at: int) -> tuple[int, int] | None:
    """A number below a thousand, in digits, or below a hundred in words; and where it ends."""
    word = _word(words, at)
    if word.isdigit() and len(word) <= 3:
        return int(word), at + 1
    if word in _TENS:
        unit = _UNITS.get(_word(words, at + 1), 0)
        return (_TENS[word] + unit, at + 2) if 0 < unit < 10 else (_TENS[word], at + 1)
    return (_UNITS[word], at + 1) if word in _UNITS else None


def _ordinal(words: Words, at: int) -> tuple[int, int] | None:
    """`fourth`, `twenty first`, `4th`; and where it ends."""
    word = _word(words, at)
    if found := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)", word):
        return int(found[1]), at + 1
    if word in _ORDINALS:
        return _ORDINALS[word], at + 1
    if word in _TENS and (unit := _ORDINALS.get(_word(words, at + 1), 10)) < 10:
        return _TENS[word] + unit, at + 2
    return None
