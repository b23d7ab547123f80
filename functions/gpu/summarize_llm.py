"""A summary written by a language model: the transcript goes in as data, in parts if it is long; JSON comes out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from functions.gpu.asking import PART_CHARACTERS, RULES, as_objects, as_text, ask, harmless, in_parts, spoken_line
from shared.domain.languages import LANGUAGE_NAMES
from shared.domain.transcripts import ActionItem, Segment, Summary, Topic

if TYPE_CHECKING:
    from shared.ports import LanguageModel

TITLE_CHARACTERS = 80
ROUNDING = 0.1  # the model sees tenths of a second
MOST_KEY_POINTS, MOST_TOPICS, MOST_ACTION_ITEMS = 10, 40, 60

_RULES = (
    RULES
    + """\
Write in {language}, as plain text without Markdown. Times are seconds from the start of the recording, as in the data.
{wish}Answer with one JSON object and nothing else (an assignee is a speaker as written in the data, or null):
{{"title": "at most 80 characters",
 "summary": "one paragraph of three to six sentences",
 "key_points": ["three to seven short sentences"],
 "topics": [{{"title": "a few words", "start": 0.0, "end": 60.0, "summary": "one sentence"}}],
 "action_items": [{{"text": "what is to do", "assignee": "SPEAKER_00", "start": 12.5}}]}}
"""
)
_WISH = """\
Whoever owns the recording wants the text of "summary" to be as follows, whatever is said of it elsewhere (it may be
long and use Markdown then); it stays one JSON string:
{prompt}
"""
_SUMMARIZE = (
    "You write the minutes of a recorded conversation from its transcript: [seconds] speaker: words.\n" + _RULES
)
_MERGE = (
    "You merge the minutes of consecutive parts of one recorded conversation into the minutes of the whole. Topics "
    "that go on from one part to the next become one, at most 15 in all; no action item is lost or said twice.\n"
    + _RULES
)


class LanguageModelSummarizer:
    """Asks a chat model behind any server. Transcripts of more than `part_characters` are summarized part by part."""

    def __init__(self, model: "LanguageModel", *, part_characters: int = PART_CHARACTERS) -> None:
        self.name = model.name
        self._model = model
        self._part_characters = part_characters

    def summarize(
        self,
        segments: Sequence[Segment],
        *,
        speaker_names: Mapping[int, str] | None = None,
        language: str | None = None,
        prompt: str | None = None,
        output_language: str | None = None,
    ) -> Summary:
        """`segments` in order of time; languages are ISO 639-1 codes: that of the words, and that of the summary if it
        is another. `prompt` says what the summary is to look at. Raises Unavailable when the model fails."""
        spoken = [segment for segment in segments if segment.text.strip()]
        if not spoken:
            return Summary("", "", (), (), (), self.name)
        wishes = {"language": _language(language, output_language), "wish": _wish(prompt)}
        lines = [(segment, spoken_line(segment, speaker_names or {})) for segment in spoken]
        found = [self._of_part(part, wishes) for part in in_parts(lines, self._part_characters)]
        low, high = spoken[0].start, max(segment.end for segment in spoken)
        while len(found) > 1:
            found = [self._merged(group, low, high, wishes) for group in _groups(found, self._part_characters)]
        return found[0]

    def _of_part(self, part: Sequence[tuple[Segment, str]], wishes: Mapping[str, str]) -> Summary:
        low, high = part[0][0].start, max(segment.end for segment, _ in part)
        answer = self._ask(_SUMMARIZE, "transcript", "\n".join(said for _, said in part), wishes)
        return _summary(answer, low, high, self.name)

    def _merged(self, group: Sequence[Summary], low: float, high: float, wishes: Mapping[str, str]) -> Summary:
        if len(group) == 1:
            return group[0]
        answer = self._ask(_MERGE, "minutes", "\n".join(_as_json(part) for part in group), wishes)
        for kind in ("topics", "action_items"):
            answer[kind] = answer.get(kind) or [asdict(item) for part in group for item in getattr(part, kind)]
        return _summary(answer, low, high, self.name)

    def _ask(self, task: str, tag: str, data: str, wishes: Mapping[str, str]) -> dict[str, Any]:
        rules = task.format(tag=tag, **wishes)
        return ask(self._model, rules, tag, data, lambda answer: as_text(answer.get("summary")))


def _language(spoken: str | None, wanted: str | None) -> str:
    if wanted and wanted != spoken:
        return f"{LANGUAGE_NAMES.get(wanted, wanted)} ({wanted}), whatever language was spoken"
    return "the language of the transcript" + (f" ({spoken})" if spoken else "")


def _wish(prompt: str | None) -> str:
    return _WISH.format(prompt=harmless(prompt)) if prompt else ""


def _as_json(part: Summary) -> str:
    return harmless(json.dumps(asdict(part), ensure_ascii=False))


def _groups(parts: Sequence[Summary], budget: int) -> Iterator[list[Summary]]:
    """Neighbouring parts that fit into one question, but two at the least, so that merging comes to an end."""
    group: list[Summary] = []
    used = 0
    for part in parts:
        size = len(_as_json(part))
        if len(group) > 1 and used + size > budget:
            yield group
            group, used = [], 0
        group.append(part)
        used += size
    yield group


def _summary(answer: Mapping[str, Any], low: float, high: float, model: str) -> Summary:
    """What can be used of an answer; times outside [low, high] count as not given."""
    points = [as_text(point) for point in _list(answer.get("key_points"))]
    return Summary(
        title=_title(as_text(answer.get("title"))),
        text=as_text(answer.get("summary")),
        key_points=tuple(filter(None, points))[:MOST_KEY_POINTS],
        topics=tuple(_topics(as_objects(answer.get("topics")), low, high))[:MOST_TOPICS],
        action_items=tuple(_action_items(as_objects(answer.get("action_items")), low, high))[:MOST_ACTION_ITEMS],
        model=model,
    )


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _topics(items: Sequence[Mapping[str, Any]], low: float, high: float) -> Iterator[Topic]:
    """In order of time. Where times are missing, a topic begins where the one before ends, and lasts to the next."""
    found: list[tuple[float, float, Mapping[str, Any]]] = []
    at = low
    for item in items:
        start, end = _seconds(item.get("start"), low, high), _seconds(item.get("end"), low, high)
        start = at if start is None else start
        at = end if end is not None and end > start else start
        found.append((start, at, item))
    found.sort(key=lambda topic: topic[0])
    starts = [start for start, _, _ in found]
    for start, end, item in found:
        after = next((later for later in starts if later > start), high)
        if title := as_text(item.get("title")):
            yield Topic(title, start, end if end > start else after, as_text(item.get("summary")))


def _action_items(items: Sequence[Mapping[str, Any]], low: float, high: float) -> Iterator[ActionItem]:
    for item in items:
        if text := as_text(item.get("text")):
            assignee = as_text(item.get("assignee"))
            known = assignee.lower() not in ("", "null", "none", "unknown", "n/a")
            yield ActionItem(text, _seconds(item.get("start"), low, high), assignee if known else None)


def _seconds(value: object, low: float, high: float) -> float | None:
    """A number, or text such as "12.5" or "1:02:03", if it lies within [low, high], but for rounding."""
    if isinstance(value, str):
        value = _clock(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(min(max(value, low), high)) if low - ROUNDING <= value <= high + ROUNDING else None


def _clock(text: str) -> float | None:
    if not re.fullmatch(r"\d{1,6}(?::\d{1,2}){0,2}(?:\.\d+)?", text.strip("[] s")):
        return None
    seconds = 0.0
    for part in text.strip("[] s").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
