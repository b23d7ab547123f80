"""A transcript as the text of a file: SubRip (SRT), WebVTT, or plain lines. Pure; the caller gives the names."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from shared.domain.transcripts import Segment

NameOf = Callable[[int | None], str | None]
"""The display name of a speaker index; None or blank where there is none."""

UNKNOWN_SPEAKER = "Unknown Speaker"
_SHOWN_WITHOUT_END_MS = 1000


def as_srt(segments: Iterable[Segment], name_of: NameOf) -> str:
    """SubRip: numbered cues from 1, `Name: text`. No segments: the empty string."""
    cues: list[str] = []
    for start, end, name, text in _cues(segments, name_of):
        line = f"{name}: {text}" if name else text
        cues.append(f"{len(cues) + 1}\n{_times(start, end, ',')}\n{line}\n")
    return "\n".join(cues)


def as_vtt(segments: Iterable[Segment], name_of: NameOf) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/): cues with a voice tag, `&`, `<` and `>` written as entities."""
    cues = ["WEBVTT\n"]
    for start, end, name, text in _cues(segments, name_of):
        voice = f"<v {_escape(name)}>" if name else ""
        cues.append(f"{_times(start, end, '.')}\n{voice}{_escape(text)}\n")
    return "\n".join(cues)


def as_text(segments: Iterable[Segment], name_of: NameOf) -> str:
    """One `[Name]: text` line per segment, without a final newline."""
    return "\n".join(f"[{name or UNKNOWN_SPEAKER}]: {text}" for _, _, name, text in _cues(segments, name_of))


def _cues(segments: Iterable[Segment], name_of: NameOf) -> Iterator[tuple[int, int, str, str]]:
    """(start ms, end ms, name or "", text) of each segment that says something; the end is after the start."""
    names: dict[int | None, str] = {}
    for segment in segments:
        text = _one_line(segment.text)
        if not text:
            continue
        start, end = _milliseconds(segment.start), _milliseconds(segment.end)
        if end <= start:
            end = start + _SHOWN_WITHOUT_END_MS
        speaker = segment.speaker
        if speaker not in names:
            names[speaker] = _one_line(name_of(speaker) or "")
        yield start, end, names[speaker], text


def _milliseconds(seconds: float) -> int:
    """Truncated, not rounded. Half a microsecond first, so that floats such as 1.1 and 2.3 are 1,100 and 2,300."""
    return int(seconds * 1000 + 0.0005) if seconds > 0 else 0


def _times(start: int, end: int, point: str) -> str:
    """`HH:MM:SS.mmm --> HH:MM:SS.mmm` with `point` before the milliseconds; the hours grow beyond two digits."""
    return (
        f"{_minute(start // 60_000)}:{start // 1000 % 60:02d}{point}{start % 1000:03d} --> "
        f"{_minute(end // 60_000)}:{end // 1000 % 60:02d}{point}{end % 1000:03d}"
    )


@lru_cache(maxsize=64)
def _minute(minutes: int) -> str:
    """`HH:MM`; cached because the cues of a minute come one after the other."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _one_line(text: str) -> str:
    """A line break would end a cue early. Other spaces stay: some, such as the no-break space, carry meaning."""
    if text.isprintable():
        return text.strip()
    return " ".join(filter(None, map(str.strip, text.splitlines())))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
