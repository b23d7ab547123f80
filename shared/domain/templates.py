"""Transcript templates: how a user wants each segment of a transcript to be written. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.errors import TooLarge
from shared.domain.exports import NameOf
from shared.domain.transcripts import Segment

NAME_LENGTH = 100
TEMPLATE_LENGTH = 10_000
DESCRIPTION_LENGTH = 500
#: A template may say everything many times over; ten hours of speech are well below a million characters.
RENDERED_LENGTH = 20_000_000

_UNNAMED = "Unknown"
# No brace in between: the search never looks at a character twice.
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    id: int
    name: str
    template: str
    description: str | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Line:
    """A segment as placeholders see it."""

    index: int
    speaker: str
    text: str
    start: float
    end: float


_Part = Callable[[_Line], str]


def render(template: str, segments: Iterable[Segment], name_of: NameOf) -> str:
    """The template once per segment that says something, with a line break between two.

    `{{index}}` (from 1), `{{speaker}}`, `{{text}}`, `{{start_time}}` and `{{end_time}}` (HH:MM:SS) are filled in.
    `|upper` follows any of them, `|srt` a time (HH:MM:SS,mmm). Everything else stays as it is.
    Raises TooLarge when the template writes far more than was said.
    """
    parts = _parsed(template)
    written: list[str] = []
    room = RENDERED_LENGTH
    for segment in segments:
        text = _one_line(segment.text)
        if not text:
            continue
        line = _Line(len(written) + 1, _one_line(name_of(segment.speaker) or "") or _UNNAMED, text, *_times(segment))
        filled = "".join([part(line) for part in parts])
        room -= len(filled)
        if room < 0:
            raise TooLarge("With your default template this transcript becomes too long.")
        written.append(filled)
    return "\n".join(written)


def _parsed(template: str) -> Sequence[_Part]:
    parts: list[_Part] = []
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        part = _placeholder(*(word.strip() for word in found[1].split("|")))
        if part is not None:
            parts += [_literal(template[end : found.start()]), part]
            end = found.end()
    return [*parts, _literal(template[end:])]


def _literal(text: str) -> _Part:
    return lambda _: text


def _placeholder(name: str, *filters: str) -> _Part | None:
    """None for one that nobody knows."""
    time = name in _TIMES
    if name not in _FIELDS or any(each != "upper" and not (each == "srt" and time) for each in filters):
        return None
    part = _TIMES[name] if time and "srt" in filters else _FIELDS[name]
    return (lambda line: part(line).upper()) if "upper" in filters else part


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _srt_clock(seconds: float) -> str:
    # Truncated, as everywhere; half a microsecond first, so that 1.1 is 1,100.
    milliseconds = int(seconds * 1000 + 0.0005)
    return f"{_clock(milliseconds // 1000)},{milliseconds % 1000:03d}"


_FIELDS: dict[str, _Part] = {
    "index": lambda line: str(line.index),
    "speaker": lambda line: line.speaker,
    "text": lambda line: line.text,
    "start_time": lambda line: _clock(line.start),
    "end_time": lambda line: _clock(line.end),
}
_TIMES: dict[str, _Part] = {
    "start_time": lambda line: _srt_clock(line.start),
    "end_time": lambda line: _srt_clock(line.end),
}


def _times(segment: Segment) -> tuple[float, float]:
    """A cue that ends before it begins would not be shown."""
    start = max(segment.start, 0.0)
    return start, segment.end if segment.end > start else start + 1


def _one_line(text: str) -> str:
    return " ".join(filter(None, map(str.strip, text.splitlines())))
