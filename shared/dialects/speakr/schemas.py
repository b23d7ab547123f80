"""The shapes of the Speakr API. Keys that Hansard adds come last in each."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Status = Literal["PENDING", "PROCESSING", "SUMMARIZING", "COMPLETED", "FAILED"]


class Error(BaseModel):
    error: str


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


class RecordingBase(BaseModel):
    id: int
    title: str | None
    status: Status
    created_at: datetime
    completed_at: datetime | None
    meeting_date: datetime | None
    file_size: int | None
    original_filename: str | None
    participants: str | None
    is_inbox: bool
    is_highlighted: bool
    audio_available: bool
    audio_duration: float | None
    deletion_exempt: bool = False
    keep_audio_only: bool = True
    processing_time_seconds: float | None
    transcription_duration_seconds: float | None
    summarization_duration_seconds: float | None
    folder_id: int | None = None
    folder: dict[str, Any] | None = None
    error_message: str | None
    tags: list[dict[str, Any]] = []
    uuid: UUID
    model_used: str | None
    language: str | None
    warnings: list[str]


class RecordingItem(RecordingBase):
    has_transcription: bool
    has_summary: bool


class RecordingDetail(RecordingBase):
    """`transcription`, `summary` and `notes` are left out unless asked for."""

    mime_type: str
    events: list[dict[str, Any]] = []
    duplicate_info: DuplicateInfo | None = None
    transcription: str | None = None
    summary: str | None = None
    notes: str | None = None


class UploadedRecording(RecordingDetail):
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


class TranscribeRequest(BaseModel):
    """Every field may be left out; unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore")

    language: str | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    hotwords: str | None = None
    initial_prompt: str | None = None
    transcription_model: str | None = None


class JobAnswer(BaseModel):
    success: bool = True
    job_id: int
    status: Literal["QUEUED"] = "QUEUED"
    message: str


class Message(BaseModel):
    success: bool = True
    message: str
