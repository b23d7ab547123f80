"""Tags in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import body_of, parsed
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import tags as phrase
from shared.dialects.speakr.common import Message
from shared.domain.errors import Invalid
from shared.services import tags

router = APIRouter(tags=["Tags"])


@router.get("/tags", response_model=phrase.TagList)
def list_tags(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's own tags, then those of the caller's groups, by name."""
    return {"tags": [phrase.listed(*each) for each in tags.all_of(core, caller)]}


@router.post("/tags", status_code=201, response_model=phrase.CreatedTag, openapi_extra=body_of(phrase.NewTag))
async def create(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Makes a tag; with `group_id` one of a group whose admin the caller is."""
    asked = parsed(phrase.NewTag, await read_json(request))
    return phrase.tag(await run_in_threadpool(tags.create, core, caller, asked.model_dump(exclude_unset=True)))


@router.put("/tags/{tag_id}", response_model=phrase.ChangedTag, openapi_extra=body_of(phrase.TagChange))
async def change(tag_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given."""
    body = await read_json(request)
    given = parsed(phrase.TagChange, body).model_dump(exclude_unset=True)
    if not body:
        raise Invalid("There is nothing to change.")
    return {"tag": phrase.tag(await run_in_threadpool(tags.change, core, caller, tag_id, given))}


@router.delete("/tags/{tag_id}", response_model=Message)
def remove(tag_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes a tag; recordings that had it stay."""
    tags.remove(core, caller, tag_id)
    return {"message": "The tag is deleted."}


@router.post(f"{RECORDING}/tags", response_model=phrase.TagsAnswer, openapi_extra=body_of(phrase.TagsRequest))
async def add(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Puts tags on a recording; what cannot be added is named in `errors`."""
    asked = parsed(phrase.TagsRequest, await read_json(request))
    ids = asked.tag_ids or ([] if asked.tag_id is None else [asked.tag_id])
    if not ids:
        raise Invalid("The body needs tag_ids.")
    return phrase.tagged(await run_in_threadpool(tags.add_to, core, caller, recording_id, ids))


@router.delete(f"{RECORDING}/tags/{{tag_id}}", response_model=Message)
def take_off(recording_id: Id, tag_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Takes a tag off a recording."""
    tags.remove_from(core, caller, recording_id, tag_id)
    return {"message": "The tag is off the recording."}
