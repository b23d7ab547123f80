"""Recordings in Speakr's words: the shapes, and ours put into them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from shared.dialects.speakr.calendar import EventDetail, event_detail
from shared.dialects.speakr.common import utc
from shared.dialects.speakr.folders import FolderShape
from shared.dialects.speakr.folders import folder as full_folder
from shared.dialects.speakr.tags import CreatedTag
from shared.dialects.speakr.tags import tag as full_tag
from shared.dialects.speakr.transcripts import TranscriptSegment
from shared.domain.recordings import CopyRef, EventRef, Listing, Recording, Standing
from shared.domain.recordings import RecordingStatus as State
from shared.domain.uploads import Brought

Status = Literal["PENDING", "PROCESSING", "SUMMARIZING", "COMPLETED", "FAILED"]


class Copy(BaseModel):
    id: int
    title: str
    created_at: datetime
    is_self: bool


class DuplicateInfo(BaseModel):
    total_copies: int
    copies: list[Copy]


class DuplicateWarning(BaseModel):
    existing_recording_id: int
    existing_title: str
    existing_created_at: datetime


class TagName(BaseModel):
    id: int
    name: str
    color: str


class FolderName(BaseModel):
    id: int
    name: str


class RecordingFacts(BaseModel):
    """What every answer about a recording says of it; `uuid` and what follows it is Hansard's own."""

    id: int
    title: str
    status: Status
    created_at: datetime
    completed_at: datetime | None
    meeting_date: datetime | None
    file_size: int
    original_filename: str
    participants: str | None
    is_inbox: bool
    is_highlighted: bool
    audio_available: bool
    audio_duration: float | None
    deletion_exempt: bool
    keep_audio_only: bool
    processing_time_seconds: float | None
    transcription_duration_seconds: float | None
    summarization_duration_seconds: float | None
    folder_id: int | None
    error_message: str | None
    uuid: UUID
    model_used: str | None
    language: str | None
    warnings: list[str]


class RecordingItem(RecordingFacts):
    folder: FolderName | None
    tags: list[TagName]
    has_transcription: bool
    has_summary: bool


class RecordingTexts(RecordingFacts):
    mime_type: str
    events: list[EventDetail]
    duplicate_info: DuplicateInfo | None
    transcription: str | None = None
    summary: str | None = None
    notes: str | None = None


class RecordingDetail(RecordingTexts):
    """`transcription`, `summary`, `notes` and `segments` are left out unless asked for."""

    folder: FolderName | None
    tags: list[TagName]
    segments: list[TranscriptSegment] = []


class UploadedRecording(RecordingTexts):
    folder: FolderShape | None
    tags: list[CreatedTag]
    user_id: int
    audio_deleted_at: datetime | None = None
    notes_html: str = ""
    summary_html: str = ""
    prompt_variables: dict[str, str] = {}
    public_share_count: int = 0
    shared_with_count: int = 0
    resolved_hotwords: str | None = None
    resolved_initial_prompt: str | None = None
    duplicate_warning: DuplicateWarning | None = None


class Pagination(BaseModel):
    page: int
    per_page: int
    total: int
    total_pages: int
    has_next: bool
    has_prev: bool


class ListQuery(BaseModel):
    """Text all of it: what cannot be read is ignored, not refused."""

    page: str = "1"
    per_page: str = "25"
    status: str = "all"
    sort_by: str = "created_at"
    sort_order: str = "desc"
    date_from: str | None = None
    date_to: str | None = None
    q: str | None = None
    inbox: str | None = None
    starred: str | None = None
    tag_id: str | None = None
    folder_id: str | None = None


class RecordingPage(BaseModel):
    recordings: list[RecordingItem]
    pagination: Pagination


class RecordingStatus(BaseModel):
    id: int
    status: Status
    queue_position: int | None
    error_message: str | None
    completed_at: datetime | None
    progress: int


def _base(recording: Recording) -> dict[str, Any]:
    times = (recording.transcription_seconds, recording.summarization_seconds)
    known = [seconds for seconds in times if seconds is not None]
    return {
        "id": recording.id,
        "title": recording.title,
        "status": recording.status.value.upper(),
        "created_at": utc(recording.created_at),
        "completed_at": utc(recording.completed_at),
        "meeting_date": utc(recording.meeting_date),
        "file_size": recording.file_size,
        "original_filename": recording.original_filename,
        "participants": ", ".join(recording.participants) or None,
        "is_inbox": recording.is_inbox,
        "is_highlighted": recording.is_highlighted,
        "audio_available": recording.audio_deleted_at is None,
        "audio_duration": recording.audio_duration,
        "deletion_exempt": recording.deletion_exempt,
        # A file stays as it was uploaded, pictures and all.
        "keep_audio_only": False,
        "processing_time_seconds": round(sum(known), 3) if known else None,
        "transcription_duration_seconds": recording.transcription_seconds,
        "summarization_duration_seconds": recording.summarization_seconds,
        "folder_id": recording.folder.id if recording.folder else None,
        "folder": asdict(recording.folder) if recording.folder else None,
        "tags": [asdict(tag) for tag in recording.tags],
        "error_message": _error(recording),
        "uuid": recording.uuid,
        "model_used": recording.model,
        "language": recording.language,
        "warnings": list(recording.warnings),
    }


def _error(of: Recording | Standing) -> str | None:
    return of.error_message if of.status is State.FAILED else None


def item(recording: Recording) -> dict[str, Any]:
    return {
        **_base(recording),
        "has_transcription": recording.has_transcript,
        "has_summary": recording.has_summary,
    }


def page(recordings: Sequence[Recording], total: int, listing: Listing) -> dict[str, Any]:
    pages = -(-total // listing.per_page)
    return {
        "recordings": [item(recording) for recording in recordings],
        "pagination": {
            "page": listing.page,
            "per_page": listing.per_page,
            "total": total,
            "total_pages": pages,
            "has_next": listing.page < pages,
            "has_prev": listing.page > 1,
        },
    }


def detail(
    recording: Recording, copies: Sequence[CopyRef], events: Sequence[EventRef] = (), **texts: str | None
) -> dict[str, Any]:
    """`texts` are those of transcription, summary and notes that were asked for; the others stay out."""
    return {
        **_base(recording),
        "mime_type": recording.mime_type,
        "events": [event_detail(recording.id, event) for event in events],
        "duplicate_info": _duplicate_info(recording, copies),
        **texts,
    }


def uploaded(recording: Recording, copies: Sequence[CopyRef], brought: Brought) -> dict[str, Any]:
    answer = detail(recording, copies, transcription=None, summary=None, notes=brought.notes)
    answer |= {
        "user_id": recording.user_id,
        "tags": [full_tag(each) for each in brought.tags],
        "folder": full_folder(brought.folder) if brought.folder else None,
        "prompt_variables": dict(brought.prompt_variables),
        "resolved_hotwords": brought.options.hotwords,
        "resolved_initial_prompt": brought.options.initial_prompt,
    }
    if copies:
        first = copies[0]
        answer["duplicate_warning"] = {
            "existing_recording_id": first.id,
            "existing_title": first.title,
            "existing_created_at": utc(first.created_at),
        }
    return answer


def _duplicate_info(recording: Recording, copies: Sequence[CopyRef]) -> dict[str, Any] | None:
    if not copies:
        return None
    itself = CopyRef(recording.id, recording.title, recording.created_at)
    everyone = sorted((itself, *copies), key=lambda each: each.id)
    return {
        "total_copies": len(everyone),
        "copies": [
            {
                "id": each.id,
                "title": each.title,
                "created_at": utc(each.created_at),
                "is_self": each.id == recording.id,
            }
            for each in everyone
        ],
    }


def status(found: Standing) -> dict[str, Any]:
    return {
        "id": found.id,
        "status": found.status.value.upper(),
        "queue_position": found.queue_position,
        "error_message": _error(found),
        "completed_at": utc(found.completed_at),
        "progress": found.progress,
    }
