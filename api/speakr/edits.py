"""Edits of a recording in the Speakr API."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr import queries
from api.speakr.parsing import body_of, parsed
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import edits as phrase
from shared.domain.edits import Changes
from shared.domain.errors import Invalid
from shared.services import edits

router = APIRouter(tags=["Recordings"])


@router.patch(RECORDING, response_model=phrase.ChangeAnswer, openapi_extra=body_of(phrase.RecordingChange))
async def change(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given."""
    changes = _changes(await read_json(request))
    return phrase.changed(await run_in_threadpool(edits.edit, core, caller, recording_id, changes))


def _changes(body: object) -> Changes:
    given = parsed(phrase.RecordingChange, body).model_dump(exclude_unset=True)
    assert isinstance(body, dict)
    if "keep_audio_only" in body:
        raise Invalid("keep_audio_only is settled when a recording is uploaded.")
    if not body:
        raise Invalid("There is nothing to change.")
    if given.get("title", "") is None:
        del given["title"]
    if "meeting_date" in given:
        given["meeting_date"] = _date(given["meeting_date"] or "")
    return Changes(**given)


def _date(text: str) -> datetime | None:
    found = queries.moment(text)
    if found is None and text.strip():
        raise Invalid("meeting_date has to be a date and time as ISO 8601 writes it, or null.")
    return found


@router.get(f"{RECORDING}/notes", response_model=phrase.NotesAnswer)
def get_notes(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """The notes; 200 also where there are none."""
    return phrase.notes(edits.notes(core, caller, recording_id))


@router.put(f"{RECORDING}/notes", response_model=phrase.NewNotes, openapi_extra=body_of(phrase.NotesRequest))
async def put_notes(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Replaces the notes; null removes them."""
    asked = parsed(phrase.NotesRequest, await read_json(request))
    edited = await run_in_threadpool(edits.edit, core, caller, recording_id, Changes(notes=asked.notes))
    return {"notes": edited.notes}


@router.put(f"{RECORDING}/summary", response_model=phrase.NewSummary, openapi_extra=body_of(phrase.SummaryRequest))
async def put_summary(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Replaces the summary; null removes it."""
    asked = parsed(phrase.SummaryRequest, await read_json(request))
    edited = await run_in_threadpool(edits.edit, core, caller, recording_id, Changes(summary=asked.summary))
    return {"summary": edited.summary}
