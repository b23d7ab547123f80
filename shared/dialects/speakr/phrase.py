"""Recordings and transcripts in Speakr's words. Returns plain data that fits the schemas of the same name."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from shared.domain.exports import as_srt, as_text, as_vtt
from shared.domain.jobs import Job
from shared.domain.recordings import Listing, Recording, SpeakerNames, SummaryText
from shared.domain.transcripts import Segment

UNKNOWN_SPEAKER = "Unknown Speaker"


def utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


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
        "audio_available": True,
        "audio_duration": recording.audio_duration,
        "processing_time_seconds": round(sum(known), 3) if known else None,
        "transcription_duration_seconds": recording.transcription_seconds,
        "summarization_duration_seconds": recording.summarization_seconds,
        "error_message": recording.error_message,
        "uuid": recording.uuid,
        "model_used": recording.model,
        "language": recording.language,
        "warnings": list(recording.warnings),
    }


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


def detail(recording: Recording, copies: Sequence[Recording], **texts: str | None) -> dict[str, Any]:
    """`texts` are those of transcription, summary and notes that were asked for; the others stay out."""
    return {
        **_base(recording),
        "mime_type": recording.mime_type,
        "events": [],
        "duplicate_info": _duplicate_info(recording, copies),
        **texts,
    }


def uploaded(recording: Recording, copies: Sequence[Recording], notes: str | None) -> dict[str, Any]:
    answer = detail(recording, copies, transcription=None, summary=None, notes=notes)
    answer["user_id"] = recording.user_id
    if copies:
        first = copies[0]
        answer["duplicate_warning"] = {
            "existing_recording_id": first.id,
            "existing_title": first.title,
            "existing_created_at": utc(first.created_at),
        }
    return answer


def _duplicate_info(recording: Recording, copies: Sequence[Recording]) -> dict[str, Any] | None:
    if not copies:
        return None
    everyone = sorted((recording, *copies), key=lambda each: each.id)
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


def status(recording: Recording, queue_position: int | None, progress: int) -> dict[str, Any]:
    return {
        "id": recording.id,
        "status": recording.status.value.upper(),
        "queue_position": queue_position,
        "error_message": recording.error_message,
        "completed_at": utc(recording.completed_at),
        "progress": progress,
    }


def transcript_json(segments: Iterable[Segment], names: SpeakerNames, warnings: Sequence[str]) -> dict[str, Any]:
    return {
        "format": "json",
        "segments": [
            {
                "speaker": names(segment.speaker) or UNKNOWN_SPEAKER,
                "sentence": segment.text,
                "start_time": segment.start,
                "end_time": segment.end,
            }
            for segment in segments
        ],
        "warnings": list(warnings),
    }


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


def job(queued: Job) -> dict[str, Any]:
    return {"job_id": queued.id, "message": "The transcription is queued."}
