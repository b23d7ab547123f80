"""Addresses of Speakr outside /api/v1 that its clients use, at the root of the application."""

from typing import Any

from fastapi import APIRouter

from api.callers import CallerOf, CoreOf
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import recordings as recording_phrase
from shared.dialects.speakr import unversioned as phrase
from shared.domain.recordings import TEXTS
from shared.services import recordings, stats, transcripts

router = APIRouter(prefix="/api", tags=["Speakr without a version"])


# Before the recordings, of whose ids it is none.
@router.get("/recordings/job-queue-status", response_model=phrase.QueueAnswer)
def queue(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's jobs that are open or have ended within the last hour."""
    return phrase.queue(stats.queue(core, caller))


@router.get(RECORDING, response_model=recording_phrase.RecordingDetail, response_model_exclude_unset=True)
def detail(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """As /api/v1, but `transcription` holds the segments as JSON."""
    found = recordings.details(core, caller, recording_id, TEXTS)
    texts = {**found.texts, "transcription": None}
    if found.recording.has_transcript:
        transcript = transcripts.get(core, caller, recording_id)
        texts["transcription"] = phrase.raw_transcript(transcript.segments, transcript.names)
    return recording_phrase.detail(found.recording, found.copies, found.events, **texts)
