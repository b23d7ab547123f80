"""The language model in the Speakr API: chat, and a new title."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.idempotency import KeyOf, once
from api.speakr.parsing import parsed
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import chat as phrase
from shared.domain.accounts import Scope
from shared.services import chat, idempotency, transcripts

router = APIRouter(tags=["Processing"])


@router.post(
    f"{RECORDING}/chat",
    response_model=phrase.ChatAnswer,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": phrase.CHAT_SCHEMA}}}},
)
async def ask(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Answers a question about the recording."""
    asked = parsed(phrase.ChatRequest, await read_json(request))
    history = phrase.history(asked)
    purpose = idempotency.purpose("chat", recording_id, asked.model_dump(mode="json"))

    def answer() -> dict[str, Any]:
        return {"response": chat.answer(core, caller, recording_id, asked.message, history)}

    needs = (Scope.READ, Scope.PROCESS)
    return await run_in_threadpool(once, request, core, caller, key, purpose, answer, needs=needs)


@router.post(f"{RECORDING}/regenerate_title", response_model=phrase.TitleAnswer, response_model_exclude_unset=True)
def regenerate_title(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Gives the recording a title made of its transcript."""
    purpose = idempotency.purpose("regenerate_title", recording_id)

    def answer() -> dict[str, Any]:
        found = chat.regenerate_title(core, caller, recording_id)
        return phrase.title(found, transcripts.rendered(core, caller, recording_id))

    return once(request, core, caller, key, purpose, answer, needs=(Scope.READ, Scope.PROCESS))
