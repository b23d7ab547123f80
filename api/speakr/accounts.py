"""The caller's own account in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import body_of, parsed
from shared.dialects.speakr import accounts as phrase
from shared.domain.errors import Invalid
from shared.services import accounts

router = APIRouter(tags=["Users"])


@router.get("/users/me", response_model=phrase.UserAnswer)
def me(core: CoreOf, caller: CallerOf) -> Any:
    """Who the caller is, what they have chosen, and which groups they belong to."""
    return phrase.user(accounts.profile(core, caller))


@router.patch("/users/me", response_model=phrase.UserAnswer, openapi_extra=body_of(phrase.UserChange))
async def change(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given. The mail address is the operator's or the identity provider's to say."""
    body = await read_json(request)
    said = parsed(phrase.UserChange, body).model_dump(exclude_unset=True)
    if not body:
        raise Invalid("There is nothing to change.")
    chosen = parsed(phrase.PreferencesChange, said.pop("preferences", {})).model_dump(exclude_unset=True)
    return phrase.user(await run_in_threadpool(accounts.change_profile, core, caller, said, chosen))


@router.put(
    "/settings/auto-summarization",
    response_model=phrase.AutoSummarizationAnswer,
    openapi_extra=body_of(phrase.AutoSummarization),
)
async def auto_summarization(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Whether new recordings of the caller get a summary by themselves."""
    asked = parsed(phrase.AutoSummarization, await read_json(request))
    chosen = {"auto_summarization": asked.enabled}
    changed = await run_in_threadpool(accounts.change_profile, core, caller, {}, chosen)
    return {"auto_summarization": changed.preferences.auto_summarization}
