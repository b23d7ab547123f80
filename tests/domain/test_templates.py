"""Transcript templates, placeholder by placeholder."""

import time

import pytest

from shared.domain import templates
from shared.domain.errors import TooLarge
from shared.domain.recordings import SpeakerNames
from shared.domain.templates import render
from shared.domain.transcripts import Segment

NAMES = SpeakerNames({0: "Ann", 1: "Straße"})
TALK = (
    Segment(0, 0.0, 1.9999, "Good morning.", 0),
    Segment(1, 3661.2345, 3725.0, "Hello,\nall.", 1),
    Segment(2, 3726.0, 3727.0, "  ", 1),
    Segment(3, 3728.0, 3728.0, "{{speaker}}", None),
)


@pytest.mark.parametrize(
    ("template", "lines"),
    [
        ("{{text}}", ["Good morning.", "Hello, all.", "{{speaker}}"]),
        ("{{index}}: {{speaker}}", ["1: Ann", "2: Straße", "3: Unknown"]),
        (
            "[{{start_time}} - {{end_time}}]",
            ["[00:00:00 - 00:00:01]", "[01:01:01 - 01:02:05]", "[01:02:08 - 01:02:09]"],
        ),
        ("{{start_time|srt}}", ["00:00:00,000", "01:01:01,234", "01:02:08,000"]),
        ("{{end_time|srt|upper}}", ["00:00:01,999", "01:02:05,000", "01:02:09,000"]),
        ("{{speaker|upper}}: {{text|upper}}", ["ANN: GOOD MORNING.", "STRASSE: HELLO, ALL.", "UNKNOWN: {{SPEAKER}}"]),
        ("{{ speaker | upper }}", ["ANN", "STRASSE", "UNKNOWN"]),
        ("{{{speaker}}}", ["{Ann}", "{Straße}", "{Unknown}"]),
    ],
)
def test_placeholders_are_filled_in(template: str, lines: list[str]) -> None:
    assert render(template, TALK, NAMES) == "\n".join(lines)


@pytest.mark.parametrize(
    "template",
    ["", "no placeholder", "{{", "}}", "{{}}", "{{title}}", "{{speaker|lower}}", "{{speaker|}}", "{{text|srt}}",
     "{{index|srt}}", "{{Speaker}}", "{speaker}", "{{speaker", "{{spea\nker}}", "{{|upper}}", "{{speaker.x}}"],
)  # fmt: skip
def test_what_nobody_knows_stays_as_it_is(template: str) -> None:
    assert render(template, TALK[:1], NAMES) == template


def test_line_breaks_of_a_template_are_kept() -> None:
    assert render("{{index}}\n{{text}}\n", TALK[:2], NAMES) == "1\nGood morning.\n\n2\nHello, all.\n"


def test_a_transcript_without_words_is_empty() -> None:
    assert render("{{text}}", [], NAMES) == ""
    assert render("{{text}}", TALK[2:3], NAMES) == ""


@pytest.mark.parametrize("template", ["{" * 10_000, "{{" + "a" * 9_998, "{{}" * 3_333, "{{speaker|" * 1_000])
def test_no_template_takes_long(template: str) -> None:
    begun = time.perf_counter()
    assert render(template, TALK[:1], NAMES) == template
    assert time.perf_counter() - begun < 0.5


def test_a_template_that_says_everything_too_often_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "RENDERED_LENGTH", 26)
    assert render("{{text}}{{text}}", TALK[:1], NAMES) == "Good morning." * 2
    with pytest.raises(TooLarge):
        render("{{text}}{{text}}", TALK[:2], NAMES)
