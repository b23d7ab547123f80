"""Recordings in the Speakr API."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.callers import CallerOf, CoreOf
from api.speakr import queries
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import recordings as phrase
from shared.dialects.speakr import transcripts as transcript_phrase
from shared.dialects.speakr.common import Message
from shared.domain.recordings import TEXTS
from shared.services import recordings, transcripts

router = APIRouter(tags=["Recordings"])


@router.get("/recordings", response_model=phrase.RecordingPage)
def list_recordings(query: Annotated[phrase.ListQuery, Query()], core: CoreOf, caller: CallerOf) -> Any:
    """The caller's recordings, a page at a time."""
    listing = queries.listing(query.model_dump(exclude_none=True), caller.user_id)
    found, total = recordings.page(core, caller, listing)
    return phrase.page(found, total, listing)


@router.get(RECORDING, response_model=phrase.RecordingDetail, response_model_exclude_unset=True)
def detail(
    recording_id: Id, core: CoreOf, caller: CallerOf, format: str = "full", include: str = "transcription,summary,notes"
) -> Any:
    """One recording; `format=minimal` or `include` leave texts out, `include=segments` adds the transcript as rows."""
    wanted = set() if format == "minimal" else {word.strip() for word in include.split(",")}
    found = recordings.details(core, caller, recording_id, [text for text in TEXTS if text in wanted])
    answer = phrase.detail(found.recording, found.copies, found.events, **found.texts)
    has_transcript = found.recording.has_transcript
    if "transcription" in wanted:
        answer["transcription"] = transcripts.rendered(core, caller, recording_id) if has_transcript else None
    if "segments" in wanted:
        transcript = transcripts.get(core, caller, recording_id) if has_transcript else None
        answer["segments"] = transcript_phrase.rows(transcript.segments, transcript.names) if transcript else []
    return answer


@router.delete(RECORDING, response_model=Message)
def delete(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes a recording with its audio, transcript and history, and stops the work on it."""
    recordings.delete(core, caller, recording_id)
    return {"message": "The recording is deleted."}


@router.get(f"{RECORDING}/status", response_model=phrase.RecordingStatus)
def status(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """For polling: cheap, and it answers also while the recording is at work."""
    return phrase.status(recordings.status(core, caller, recording_id))
