"""The files of a transcript are read back by the grammar of their format, and say the same."""

import re
from collections.abc import Sequence
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.exports import as_srt, as_text, as_vtt
from shared.domain.transcripts import Segment

SRT_CUE = re.compile(r"(\d+)\n(\d{2,}):(\d\d):(\d\d),(\d{3}) --> (\d{2,}):(\d\d):(\d\d),(\d{3})\n(.+)")
VTT_CUE = re.compile(
    r"(\d{2,}):(\d\d):(\d\d)\.(\d{3}) --> (\d{2,}):(\d\d):(\d\d)\.(\d{3})\n(?:<v ([^<>]+)>)?([^<>\n]+)"
)
NAMES = {0: "Ann", 1: "Bob", 2: " "}

times = st.floats(min_value=0, max_value=400_000, allow_nan=False)
texts = st.text(max_size=60) | st.sampled_from(
    ["a --> b", "R&D", "<v Ann>no</v>", "1\n\n2", "مرحبا بالجميع", "👋🏽 hi"]
)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    spoken = draw(st.lists(st.tuples(times, times, texts, st.sampled_from([None, 0, 1, 2])), max_size=8))
    return [Segment(i, start, end, text, speaker) for i, (start, end, text, speaker) in enumerate(spoken)]


def name_of(speaker: int | None) -> str | None:
    return None if speaker is None else NAMES[speaker]


def one(text: str, speaker: int = 0, start: float = 0.0, end: float = 2.5) -> list[Segment]:
    return [Segment(0, start, end, text, speaker)]


def shown(text: str) -> str:
    return " ".join(part.strip() for part in text.splitlines() if part.strip())


def expected(segments: list[Segment]) -> list[tuple[str | None, str]]:
    """(name or None, text) of every cue that must be there, in order."""
    names = {None: None, 0: "Ann", 1: "Bob", 2: None}
    return [(names[s.speaker], shown(s.text)) for s in segments if shown(s.text)]


def milliseconds(stamp: Sequence[str]) -> int:
    hours, minutes, seconds, rest = stamp
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(rest)


def parsed(cue: re.Pattern[str], blocks: list[str]) -> list[re.Match[str]]:
    matches = [cue.fullmatch(block) for block in blocks]
    assert None not in matches, blocks
    return [match for match in matches if match]


def cue_times(start: float, end: float) -> tuple[int, int]:
    """The times of a cue in milliseconds, as written to SRT."""
    (cue,) = parsed(SRT_CUE, [as_srt(one("x", start=start, end=end), name_of).removesuffix("\n")])
    return milliseconds(cue.group(2, 3, 4, 5)), milliseconds(cue.group(6, 7, 8, 9))


def test_srt_of_two_speakers() -> None:
    segments = [Segment(0, 0.0, 2.5, "Hello, Bob.", 0), Segment(1, 3661.2345, 3662.0, "Hi.", None)]
    assert as_srt(segments, name_of) == (
        "1\n00:00:00,000 --> 00:00:02,500\nAnn: Hello, Bob.\n\n2\n01:01:01,234 --> 01:01:02,000\nHi.\n"
    )


def test_vtt_of_two_speakers() -> None:
    segments = [Segment(0, 0.0, 2.5, "Hello, Bob.", 0), Segment(1, 3661.2345, 3662.0, "Hi.", None)]
    assert as_vtt(segments, name_of) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\n<v Ann>Hello, Bob.\n\n01:01:01.234 --> 01:01:02.000\nHi.\n"
    )


def test_text_of_two_speakers() -> None:
    segments = [Segment(0, 0.0, 2.5, "Hello, Bob.", 0), Segment(1, 3.0, 4.0, "Hi.", None)]
    assert as_text(segments, name_of) == "[Ann]: Hello, Bob.\n[Unknown Speaker]: Hi."


def test_no_segments() -> None:
    assert (as_srt([], name_of), as_vtt([], name_of), as_text([], name_of)) == ("", "WEBVTT\n", "")


@pytest.mark.parametrize(
    ("seconds", "stamp"),
    [
        (1.1, "00:00:01,100"),
        (2.3, "00:00:02,300"),
        (4.35, "00:00:04,350"),
        (0.9999, "00:00:00,999"),
        (59.9999996, "00:01:00,000"),
        (3599.999, "00:59:59,999"),
        (3661.2345, "01:01:01,234"),
        (360_000.0, "100:00:00,000"),
        (-0.5, "00:00:00,000"),
    ],
)
def test_milliseconds_are_truncated_without_float_error(seconds: float, stamp: str) -> None:
    assert as_srt(one("x", start=seconds, end=seconds + 9), name_of).split("\n")[1].startswith(f"{stamp} -->")


@pytest.mark.parametrize("end", [5.0, 4.0, 5.0004])
def test_a_cue_without_an_end_is_shown_for_a_second(end: float) -> None:
    assert "00:00:05,000 --> 00:00:06,000" in as_srt(one("x", start=5.0, end=end), name_of)


def test_vtt_escapes_text_and_name() -> None:
    segments = one("a < b && b --> c", speaker=7)
    assert as_vtt(segments, lambda _: "R&D <x>").split("\n")[3] == (
        "<v R&amp;D &lt;x&gt;>a &lt; b &amp;&amp; b --&gt; c"
    )


def test_srt_does_not_escape() -> None:
    assert "Ann: R&D <x>\n" in as_srt(one("R&D <x>"), name_of)


def test_line_breaks_become_spaces_but_other_spaces_stay() -> None:
    assert as_text(one(" one\r\n\n two\u2028three\u00a0! "), name_of) == "[Ann]: one two three\u00a0!"


def test_a_line_break_in_a_name_cannot_end_a_cue() -> None:
    assert as_srt(one("hi"), lambda _: "Ann\n\n2\n") == "1\n00:00:00,000 --> 00:00:02,500\nAnn 2: hi\n"


def test_segments_that_say_nothing_are_left_out_and_not_counted() -> None:
    segments = [Segment(0, 0, 1, " \n", 0), Segment(1, 1, 2, "yes", 0), Segment(2, 2, 3, "", 1)]
    assert as_srt(segments, name_of).startswith("1\n00:00:01,000")
    assert as_vtt(segments, name_of).count("-->") == 1
    assert as_text(segments, name_of) == "[Ann]: yes"


@pytest.mark.parametrize(
    "text", ["naïve café", "日本語です。", "שלום לכולם", "مرحبا", "family 👨‍👩‍👧 emoji", "e\u0301"]
)
def test_every_script_comes_through(text: str) -> None:
    assert text in as_srt(one(text), name_of)
    assert text in as_vtt(one(text), name_of)
    assert text in as_text(one(text), name_of)


@given(transcripts())
def test_srt_reads_back(segments: list[Segment]) -> None:
    written = as_srt(segments, name_of)
    blocks = parsed(SRT_CUE, written.removesuffix("\n").split("\n\n") if written else [])
    assert [int(block[1]) for block in blocks] == list(range(1, len(blocks) + 1))
    lines = [f"{name}: {text}" if name else text for name, text in expected(segments)]
    assert [block[10] for block in blocks] == lines


@given(transcripts())
def test_vtt_reads_back(segments: list[Segment]) -> None:
    written = as_vtt(segments, name_of)
    head, *blocks = written.removesuffix("\n").split("\n\n")
    cues = parsed(VTT_CUE, blocks)
    assert head == "WEBVTT"
    assert [(cue[9], unescape(cue[10])) for cue in cues] == expected(segments)


@given(transcripts())
def test_text_has_a_line_per_segment(segments: list[Segment]) -> None:
    lines = [f"[{name or 'Unknown Speaker'}]: {text}" for name, text in expected(segments)]
    assert as_text(segments, name_of) == "\n".join(lines)


@given(times, times)
def test_a_cue_ends_after_it_starts_and_is_within_a_millisecond(start: float, end: float) -> None:
    began, ended = cue_times(start, end)
    assert -0.001 <= start * 1000 - began < 1
    assert ended > began
    assert end <= start + 0.001 or -0.001 <= end * 1000 - ended < 1


@given(times, times)
def test_time_is_monotone(one_time: float, other: float) -> None:
    earlier, later = sorted((one_time, other))
    assert cue_times(earlier, earlier) <= cue_times(later, later)


@given(transcripts())
def test_files_end_with_exactly_one_newline(segments: list[Segment]) -> None:
    srt, vtt = as_srt(segments, name_of), as_vtt(segments, name_of)
    assert not srt or (srt.endswith("\n") and not srt.endswith("\n\n"))
    assert vtt.endswith("\n") and not vtt.endswith("\n\n")
    assert not as_text(segments, name_of).endswith("\n")
