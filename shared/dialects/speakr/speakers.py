"""Speakers in Speakr's words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.dialects.speakr.common import utc
from shared.domain.speakers import Assigned, Choice, Label, Speaker, Suggestion
from shared.domain.transcripts import speaker_label


class NameRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str


class LabelChoice(BaseModel):
    """`isMe` without a name is whoever asks."""

    model_config = ConfigDict(extra="ignore")

    name: str | None = None
    is_me: bool | None = Field(default=None, alias="isMe")


class AssignRequest(BaseModel):
    """Names by label, or by the name that a label has."""

    model_config = ConfigDict(extra="ignore")

    speaker_map: dict[str, str | LabelChoice]
    regenerate_summary: bool | None = None


#: As the document of the API has it: nothing there to refer to.
ASSIGN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["speaker_map"],
    "properties": {
        "speaker_map": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {
                            "name": {"type": ["string", "null"]},
                            "isMe": {"type": ["boolean", "null"]},
                        },
                    },
                ]
            },
        },
        "regenerate_summary": {"type": ["boolean", "null"]},
    },
}


class SpeakerItem(BaseModel):
    id: int
    name: str
    use_count: int
    last_used: datetime | None
    confidence_score: float | None
    has_voice_profile: bool


class SpeakerList(BaseModel):
    speakers: list[SpeakerItem]


class NewSpeaker(BaseModel):
    id: int
    name: str
    use_count: int
    created_at: datetime


class SpeakerRef(BaseModel):
    id: int
    name: str
    use_count: int


class SpeakerChanged(BaseModel):
    success: bool = True
    speaker: SpeakerRef


class LabelItem(BaseModel):
    label: str
    identified_name: str | None
    speaker_id: int | None
    segment_count: int


class SuggestionItem(BaseModel):
    """`similarity` is in percent."""

    speaker_id: int
    name: str
    similarity: float


class SuggestionWithConfidence(SuggestionItem):
    confidence: float


class RecordingSpeakers(BaseModel):
    speakers: list[LabelItem]
    suggestions: dict[str, list[SuggestionItem]]


class Suggestions(BaseModel):
    success: bool = True
    suggestions: dict[str, list[SuggestionWithConfidence]]
    recording_id: int


class AssignedRecording(BaseModel):
    id: int
    title: str
    participants: str | None
    status: str


class AssignAnswer(BaseModel):
    success: bool = True
    message: str
    recording: AssignedRecording
    summary_queued: bool
    embeddings_updated: int
    snippets_created: int = 0


class IdentifyAnswer(BaseModel):
    success: bool = True
    speaker_map: dict[str, str]


def choices(asked: AssignRequest) -> dict[str, Choice]:
    return {
        label: Choice(said) if isinstance(said, str) else Choice(said.name or "", bool(said.is_me))
        for label, said in asked.speaker_map.items()
    }


def speakers(found: Sequence[Speaker]) -> dict[str, Any]:
    return {"speakers": [_item(speaker) for speaker in found]}


def _item(speaker: Speaker) -> dict[str, Any]:
    return {
        "id": speaker.id,
        "name": speaker.name,
        "use_count": speaker.use_count,
        "last_used": utc(speaker.last_used_at),
        "confidence_score": None if speaker.confidence is None else round(speaker.confidence, 4),
        "has_voice_profile": speaker.has_voice_profile,
    }


def created(speaker: Speaker) -> dict[str, Any]:
    return {**_ref(speaker), "created_at": utc(speaker.created_at)}


def changed(speaker: Speaker) -> dict[str, Any]:
    return {"speaker": _ref(speaker)}


def _ref(speaker: Speaker) -> dict[str, Any]:
    return {"id": speaker.id, "name": speaker.name, "use_count": speaker.use_count}


def of_recording(labels: Sequence[Label], found: Mapping[int, Sequence[Suggestion]]) -> dict[str, Any]:
    return {
        "speakers": [
            {
                "label": label.text,
                "identified_name": label.name,
                "speaker_id": label.speaker_id,
                "segment_count": label.segments,
            }
            for label in labels
        ],
        "suggestions": _by_label(found),
    }


def suggestions(recording_id: int, found: Mapping[int, Sequence[Suggestion]]) -> dict[str, Any]:
    return {"suggestions": _by_label(found), "recording_id": recording_id}


def _by_label(found: Mapping[int, Sequence[Suggestion]]) -> dict[str, Any]:
    return {speaker_label(speaker): [_suggestion(each) for each in candidates] for speaker, candidates in found.items()}


def _suggestion(candidate: Suggestion) -> dict[str, Any]:
    return {
        "speaker_id": candidate.speaker_id,
        "name": candidate.name,
        "similarity": round(max(0.0, min(1.0, candidate.similarity)) * 100, 1),
        "confidence": round(candidate.confidence, 4),
    }


def assigned(found: Assigned) -> dict[str, Any]:
    recording = found.recording
    more = " A new summary is queued." if found.summary_queued else ""
    return {
        "message": f"The labels that the transcript has are named.{more}",
        "recording": {
            "id": recording.id,
            "title": recording.title,
            "participants": ", ".join(recording.participants) or None,
            "status": recording.status.value.upper(),
        },
        "summary_queued": found.summary_queued,
        "embeddings_updated": found.voices_learned,
    }
