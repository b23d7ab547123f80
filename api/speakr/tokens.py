"""API tokens and transcript templates: what Speakr answers beside its versioned API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.speakr.parsing import body_of, parsed
from api.speakr.paths import Id
from shared.dialects.speakr import templates as template_phrase
from shared.dialects.speakr import tokens as phrase
from shared.domain.errors import Invalid
from shared.services import templates, tokens

router = APIRouter()

_TOKENS = "/api/tokens"
_TEMPLATES = "/api/transcript-templates"


@router.get(_TOKENS, response_model=phrase.TokenList, tags=["Tokens"])
def list_tokens(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's tokens, newest first."""
    return {"tokens": [phrase.token(each) for each in tokens.listed(core, caller)]}


@router.post(
    _TOKENS,
    status_code=201,
    response_model=phrase.CreatedToken,
    openapi_extra=body_of(phrase.NewToken),
    tags=["Tokens"],
)
async def create_token(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Makes a token; `token` is shown this once."""
    asked = parsed(phrase.NewToken, await read_json(request))
    made, shown = await run_in_threadpool(
        tokens.create, core, caller, name=asked.name or "", days=asked.expires_in_days, scopes=asked.scopes
    )
    return {**phrase.token(made), "token": shown}


@router.patch(
    f"{_TOKENS}/{{token_id}}",
    response_model=phrase.TokenShape,
    openapi_extra=body_of(phrase.TokenChange),
    tags=["Tokens"],
)
async def rename_token(token_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Gives a token another name."""
    asked = parsed(phrase.TokenChange, await read_json(request))
    return phrase.token(await run_in_threadpool(tokens.rename, core, caller, token_id, asked.name))


@router.delete(f"{_TOKENS}/{{token_id}}", response_model=phrase.TokenMessage, tags=["Tokens"])
def revoke_token(token_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Ends a token at once."""
    tokens.revoke(core, caller, token_id)
    return {"message": "The token is revoked."}


@router.get(_TEMPLATES, response_model=list[template_phrase.TemplateShape], tags=["Templates"])
def list_templates(core: CoreOf, caller: CallerOf) -> Any:
    """The caller's transcript templates, by name."""
    return [template_phrase.template(each) for each in templates.listed(core, caller)]


@router.post(
    _TEMPLATES,
    status_code=201,
    response_model=template_phrase.TemplateShape,
    openapi_extra=body_of(template_phrase.NewTemplate),
    tags=["Templates"],
)
async def create_template(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Makes a template; one that is the default takes the place of the one before."""
    said = parsed(template_phrase.NewTemplate, await read_json(request)).model_dump()
    return template_phrase.template(await run_in_threadpool(templates.create, core, caller, said))


@router.put(
    f"{_TEMPLATES}/{{template_id}}",
    response_model=template_phrase.TemplateShape,
    openapi_extra=body_of(template_phrase.TemplateChange),
    tags=["Templates"],
)
async def change_template(template_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes what is given."""
    body = await read_json(request)
    said = parsed(template_phrase.TemplateChange, body).model_dump(exclude_unset=True)
    if not body:
        raise Invalid("There is nothing to change.")
    return template_phrase.template(await run_in_threadpool(templates.change, core, caller, template_id, said))


@router.delete(f"{_TEMPLATES}/{{template_id}}", response_model=template_phrase.TemplateRemoved, tags=["Templates"])
def remove_template(template_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes a template."""
    templates.remove(core, caller, template_id)
    return {}
