"""Edits of a recording in Speakr's words."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.dialects.speakr.common import utc
from shared.domain.edits import Edited


def _truth(sent: object) -> object:
    """Speakr takes for true whatever Python takes for true; here only of what may be meant so."""
    return bool(sent) if isinstance(sent, str | int | None) else sent


Truth = Annotated[bool, BeforeValidator(_truth)]


class RecordingChange(BaseModel):
    """What is left out stays, and a title that is null. `meeting_date` null or empty removes the date, `folder_id` null
    the folder."""

    model_config = ConfigDict(extra="ignore", strict=True)

    title: str | None = None
    participants: str | None = None
    notes: str | None = None
    summary: str | None = None
    meeting_date: str | None = None
    is_inbox: Truth = True
    is_highlighted: Truth = False
    folder_id: int | None = None


class NotesRequest(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    notes: str | None


class SummaryRequest(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    summary: str | None


class ChangedRecording(BaseModel):
    id: int
    title: str
    participants: str | None
    notes: str | None
    summary: str | None
    meeting_date: datetime | None
    is_inbox: bool
    is_highlighted: bool
    folder_id: int | None


class ChangeAnswer(BaseModel):
    success: bool = True
    recording: ChangedRecording


class NotesAnswer(BaseModel):
    notes: str | None
    has_notes: bool


class NewNotes(BaseModel):
    success: bool = True
    notes: str | None


class NewSummary(BaseModel):
    success: bool = True
    summary: str | None


def changed(edited: Edited) -> dict[str, Any]:
    recording = edited.recording
    return {
        "recording": {
            "id": recording.id,
            "title": recording.title,
            "participants": ", ".join(recording.participants) or None,
            "notes": edited.notes,
            "summary": edited.summary,
            "meeting_date": utc(recording.meeting_date),
            "is_inbox": recording.is_inbox,
            "is_highlighted": recording.is_highlighted,
            "folder_id": recording.folder.id if recording.folder else None,
        }
    }


def notes(found: str | None) -> dict[str, Any]:
    return {"notes": found, "has_notes": bool(found)}
