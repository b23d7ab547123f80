"""Who reads a transcript and says what was said: by rules over its own words, or by asking a language model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from functions.gpu import calendar_llm, calendar_rules
from functions.gpu.asking import Counting
from functions.gpu.summarize_extractive import ExtractiveSummarizer
from functions.gpu.summarize_llm import LanguageModelSummarizer
from shared.domain.calendar import CalendarEvent
from shared.domain.transcripts import Segment, Summary

if TYPE_CHECKING:
    from shared.ports import LanguageModel

__all__ = ["ExtractiveSummarizer", "LanguageModelSummarizer", "ModelReader", "Reader", "RuleReader", "Wishes"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is known of a transcript, and how its summary is to be.

    `language` and `output_language` are ISO 639-1 codes: that of the words, and that of the summary if it is another.
    `recorded_at` is when people spoke: by it they mean `tomorrow`.
    """

    language: str | None = None
    output_language: str | None = None
    prompt: str | None = None
    speaker_names: Mapping[int, str] = field(default_factory=dict)
    recorded_at: datetime | None = None


class Reader(Protocol):
    """Each answer comes with what it cost in tokens of a language model. `segments` are in order of time."""

    def summary(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[Summary, int]:
        """No words give a Summary with empty parts. Raises Unavailable."""
        ...

    def events(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[tuple[CalendarEvent, ...], int]:
        """The appointments that people speak of. Raises Unavailable."""
        ...


class RuleReader:
    """Needs no model and no network. It cannot follow a prompt, nor write another language."""

    def summary(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[Summary, int]:
        written = ExtractiveSummarizer().summarize(
            segments, speaker_names=wishes.speaker_names, language=wishes.language
        )
        return written, 0

    def events(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[tuple[CalendarEvent, ...], int]:
        """In English only."""
        return calendar_rules.find(segments, wishes.speaker_names, wishes.recorded_at, wishes.language), 0


class ModelReader:
    """Asks a chat model behind any server."""

    def __init__(self, model: "LanguageModel") -> None:
        self._model = model

    def summary(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[Summary, int]:
        counting = Counting(self._model)
        written = LanguageModelSummarizer(counting).summarize(
            segments,
            speaker_names=wishes.speaker_names,
            language=wishes.language,
            prompt=wishes.prompt,
            output_language=wishes.output_language,
        )
        return written, counting.tokens

    def events(self, segments: Sequence[Segment], wishes: Wishes) -> tuple[tuple[CalendarEvent, ...], int]:
        counting = Counting(self._model)
        return calendar_llm.find(counting, segments, wishes.speaker_names, wishes.recorded_at), counting.tokens
