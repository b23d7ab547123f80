"""Transcripts, summaries and notes in Speakr's words."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel

from shared.domain.exports import as_srt, as_text, as_vtt
from shared.domain.recordings import SpeakerNames, SummaryText
from shared.domain.transcripts import Segment

UNKNOWN_SPEAKER = "Unknown Speaker"


class TranscriptSegment(BaseModel):
    speaker: str
    sentence: str
    start_time: float
    end_time: float


class TranscriptJson(BaseModel):
    format: Literal["json"] = "json"
    segments: list[TranscriptSegment]
    warnings: list[str]


class TranscriptContent(BaseModel):
    format: Literal["text", "srt", "vtt"]
    content: str


class TopicShape(BaseModel):
    title: str
    start: float
    end: float
    summary: str


class ActionItemShape(BaseModel):
    text: str
    start: float | None
    assignee: str | None


class SummaryAnswer(BaseModel):
    summary: str | None
    has_summary: bool
    key_points: list[str]
    topics: list[TopicShape]
    action_items: list[ActionItemShape]
    model_used: str | None


def transcript_json(segments: Iterable[Segment], names: SpeakerNames, warnings: Sequence[str]) -> dict[str, Any]:
    return {"format": "json", "segments": rows(segments, names), "warnings": list(warnings)}


def rows(segments: Iterable[Segment], names: SpeakerNames) -> list[dict[str, Any]]:
    """For TranscriptSegment."""
    return [
        {
            "speaker": names(segment.speaker) or UNKNOWN_SPEAKER,
            "sentence": segment.text,
            "start_time": segment.start,
            "end_time": segment.end,
        }
        for segment in segments
    ]


EXPORTS = {"text": as_text, "srt": as_srt, "vtt": as_vtt}


def transcript_content(form: str, segments: Sequence[Segment], names: SpeakerNames) -> dict[str, Any]:
    """`form` is one of EXPORTS."""
    return {"format": form, "content": EXPORTS[form](segments, names)}


def summary(found: SummaryText) -> dict[str, Any]:
    return {
        "summary": found.text,
        "has_summary": bool(found.text),
        "key_points": list(found.key_points),
        "topics": [asdict(topic) for topic in found.topics],
        "action_items": [asdict(action) for action in found.action_items],
        "model_used": found.model,
    }
