"""What a summarizer is, and the two there are: one that ranks the transcript's own sentences, one that asks a model."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from functions.gpu.summarize_extractive import ExtractiveSummarizer
from functions.gpu.summarize_llm import LanguageModelSummarizer
from shared.domain.transcripts import Segment, Summary

__all__ = ["ExtractiveSummarizer", "LanguageModelSummarizer", "Summarizer"]


class Summarizer(Protocol):
    """Says in short what was said. `name` goes into `Summary.model`."""

    name: str

    def summarize(
        self,
        segments: Sequence[Segment],
        *,
        speaker_names: Mapping[int, str] | None = None,
        language: str | None = None,
    ) -> Summary:
        """`segments` in order of time; `language` is an ISO 639-1 code. No words give a Summary with empty parts."""
        ...
