"""Speakers in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import parsed
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import speakers as phrase
from shared.dialects.speakr.common import Message
from shared.domain.speakers import Assigned
from shared.services import naming, speakers

router = APIRouter(tags=["Speakers"])

_NAME = {"requestBody": {"content": {"application/json": {"schema": phrase.NameRequest.model_json_schema()}}}}
_ASSIGN = {"requestBody": {"content": {"application/json": {"schema": phrase.ASSIGN_SCHEMA}}}}


@router.get("/speakers", response_model=phrase.SpeakerList)
def list_speakers(core: CoreOf, caller: CallerOf) -> Any:
    """The people the caller knows, the most used first."""
    return phrase.speakers(speakers.page(core, caller))


@router.post("/speakers", status_code=201, response_model=phrase.NewSpeaker, openapi_extra=_NAME)
async def create(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """A new person; names are unique for each user."""
    asked = parsed(phrase.NameRequest, await read_json(request))
    return phrase.created(await run_in_threadpool(speakers.create, core, caller, asked.name))


@router.put("/speakers/{speaker_id}", response_model=phrase.SpeakerChanged, openapi_extra=_NAME)
async def rename(speaker_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Renames a person, also in all recordings."""
    asked = parsed(phrase.NameRequest, await read_json(request))
    return phrase.changed(await run_in_threadpool(speakers.rename, core, caller, speaker_id, asked.name))


@router.delete("/speakers/{speaker_id}", response_model=Message)
def delete(speaker_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Forgets a person and their voice; transcripts keep the name."""
    speakers.delete(core, caller, speaker_id)
    return {"message": "The speaker is deleted."}


@router.get(f"{RECORDING}/speakers", response_model=phrase.RecordingSpeakers)
def of_recording(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """The labels of a transcript, and for those without a name who they sound like."""
    found = speakers.of_recording(core, caller, recording_id)
    return phrase.of_recording(found.labels, found.suggestions)


@router.put(f"{RECORDING}/speakers/assign", response_model=phrase.AssignAnswer, openapi_extra=_ASSIGN)
async def assign(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Names the labels of a transcript; people whom the caller does not know yet are added."""
    asked = parsed(phrase.AssignRequest, await read_json(request))

    def work() -> Assigned:
        again = bool(asked.regenerate_summary)
        return naming.assign(core, caller, recording_id, phrase.choices(asked), regenerate_summary=again)

    return phrase.assigned(await run_in_threadpool(work))


@router.post(f"{RECORDING}/speakers/identify", response_model=phrase.IdentifyAnswer)
def identify(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Lets a language model guess the names; nothing is changed."""
    return {"speaker_map": naming.identify(core, caller, recording_id)}
