"""Changes to many recordings at once in the Speakr API."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.idempotency import KeyOf, once
from api.speakr.parsing import body_of, parsed
from shared.dialects.speakr import batch as phrase
from shared.domain.edits import Updates
from shared.domain.errors import Invalid
from shared.services import batch, idempotency

router = APIRouter(prefix="/recordings/batch", tags=["Batch"])


def _described(updates: dict[str, Any]) -> dict[str, Any]:
    """The description of the body, with what `updates` may hold."""
    described = body_of(phrase.BatchUpdateRequest)
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"]["updates"] = updates
    return described


@router.patch(
    "",
    response_model=phrase.BatchUpdated,
    response_model_exclude_unset=True,
    openapi_extra=_described(phrase.BatchUpdates.model_json_schema()),
)
async def change(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Changes up to 500 recordings in the same way."""
    asked = parsed(phrase.BatchUpdateRequest, await read_json(request))
    if not asked.updates:
        raise Invalid("The body needs updates.")
    updates = _updates(parsed(phrase.BatchUpdates, asked.updates))
    return phrase.answer("updated", await run_in_threadpool(batch.change, core, caller, asked.recording_ids, updates))


def _updates(asked: phrase.BatchUpdates) -> Updates:
    given = asked.model_dump(include={"is_inbox", "is_highlighted", "folder_id"}, exclude_unset=True)
    return Updates(given, _numbers(asked.add_tag_ids), _numbers(asked.remove_tag_ids))


def _numbers(ids: Sequence[Any] | None) -> Sequence[int]:
    """What is no number names no tag."""
    return [each for each in ids or () if isinstance(each, int) and not isinstance(each, bool)]


@router.delete(
    "",
    response_model=phrase.BatchDeleted,
    response_model_exclude_unset=True,
    openapi_extra=body_of(phrase.BatchRequest),
)
async def delete(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes up to 100 recordings, each with all that belongs to it."""
    asked = parsed(phrase.BatchRequest, await read_json(request))
    return phrase.answer("deleted", await run_in_threadpool(batch.delete, core, caller, asked.recording_ids))


@router.post(
    "/transcribe",
    response_model=phrase.BatchQueued,
    response_model_exclude_unset=True,
    openapi_extra=body_of(phrase.BatchRequest),
)
async def transcribe(request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Transcribes up to 100 recordings again."""
    asked = parsed(phrase.BatchRequest, await read_json(request))
    purpose = idempotency.purpose("batch/transcribe", wanted=asked.recording_ids)

    def answer() -> dict[str, Any]:
        return phrase.answer("queued", batch.transcribe(core, caller, asked.recording_ids))

    return await run_in_threadpool(once, request, core, caller, key, purpose, answer)
