"""Transcripts and summaries in the Speakr API."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.callers import CallerOf, CoreOf
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import transcripts as phrase
from shared.domain.errors import Invalid
from shared.services import recordings, transcripts

router = APIRouter(tags=["Recordings"])


@router.get(
    f"{RECORDING}/transcript",
    responses={200: {"model": phrase.TranscriptJson | phrase.TranscriptContent}},
)
def transcript(recording_id: Id, core: CoreOf, caller: CallerOf, format: str = "json") -> Response:
    """The transcript as `json`, `text`, `srt` or `vtt`; the answer is JSON in each case."""
    wanted = format.lower()
    if wanted != "json" and wanted not in phrase.EXPORTS:
        raise Invalid("format is one of json, text, srt, vtt.")
    if wanted == "text":
        content = transcripts.rendered(core, caller, recording_id)
        return JSONResponse({"format": wanted, "content": content})
    found = transcripts.get(core, caller, recording_id)
    if wanted == "json":
        return JSONResponse(phrase.transcript_json(found.segments, found.names, found.recording.warnings))
    return JSONResponse(phrase.transcript_content(wanted, found.segments, found.names))


@router.get(f"{RECORDING}/summary", response_model=phrase.SummaryAnswer)
def summary(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """The summary as one text and in parts; empty until there is one."""
    _, _, found = recordings.texts(core, caller, recording_id)
    return phrase.summary(found)
