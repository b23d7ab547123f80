"""Folders in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import body_of, parsed
from api.speakr.paths import Id
from shared.dialects.speakr import folders as phrase
from shared.services import folders

router = APIRouter(prefix="/folders", tags=["Folders"])
_BODY = body_of(phrase.FolderRequest)


@router.get("", response_model=list[phrase.ListedFolder])
def list_folders(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's own folders, then those of the caller's groups, by name; none while folders are switched off."""
    return [phrase.listed(*each) for each in folders.all_of(core, caller)]


@router.get("/{folder_id}", response_model=phrase.OneFolder)
def get(folder_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """One folder."""
    return phrase.one(*folders.get(core, caller, folder_id))


@router.post("", status_code=201, response_model=phrase.FolderShape, openapi_extra=_BODY)
async def create(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Makes a folder; with `group_id` one of a group whose admin the caller is."""
    given = parsed(phrase.FolderRequest, await read_json(request)).model_dump(exclude_unset=True)
    return phrase.folder(await run_in_threadpool(folders.create, core, caller, given))


@router.put("/{folder_id}", response_model=phrase.FolderShape, openapi_extra=_BODY)
@router.patch("/{folder_id}", response_model=phrase.FolderShape, openapi_extra=_BODY)
async def change(folder_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given; `group_id` gives it to a group, or takes it from one."""
    given = parsed(phrase.FolderRequest, await read_json(request)).model_dump(exclude_unset=True)
    return phrase.folder(await run_in_threadpool(folders.change, core, caller, folder_id, given))


@router.delete("/{folder_id}", response_model=phrase.Success)
def remove(folder_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes a folder; its recordings stay."""
    folders.remove(core, caller, folder_id)
    return {}
