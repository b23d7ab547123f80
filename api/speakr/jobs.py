"""Processing in the Speakr API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.idempotency import KeyOf, tell_replay
from api.speakr.parsing import parsed
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import jobs as phrase
from shared.dialects.speakr.common import Message
from shared.services import jobs

router = APIRouter(tags=["Processing"])


@router.post(
    f"{RECORDING}/transcribe",
    response_model=phrase.JobAnswer,
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": phrase.TranscribeRequest.model_json_schema()}}}
    },
)
async def transcribe(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Transcribes a recording again; the old transcript stays until the new one is there."""
    asked = parsed(phrase.TranscribeRequest, await read_json(request))
    options = phrase.options(asked)
    await run_in_threadpool(tell_replay, request, core, caller, key, jobs.transcription(recording_id, options))
    return phrase.job(await run_in_threadpool(jobs.submit, core, caller, recording_id, options, key))


@router.post(
    f"{RECORDING}/summarize",
    response_model=phrase.JobAnswer,
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": phrase.SummarizeRequest.model_json_schema()}}}
    },
)
async def summarize(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Writes another summary of the transcript; the old one stays until the new one is there."""
    asked = parsed(phrase.SummarizeRequest, await read_json(request))
    prompt = asked.custom_prompt
    await run_in_threadpool(tell_replay, request, core, caller, key, jobs.summary(recording_id, prompt))
    return phrase.job(await run_in_threadpool(jobs.submit_summary, core, caller, recording_id, prompt, key))


@router.post(f"{RECORDING}/pause", response_model=Message)
def pause(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Stops the work and keeps what is finished."""
    jobs.pause(core, caller, recording_id)
    return {"message": "The transcription is paused."}


@router.post(f"{RECORDING}/resume", response_model=Message)
def resume(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Goes on where a paused transcription ended."""
    jobs.resume(core, caller, recording_id)
    return {"message": "The transcription goes on."}


@router.post(f"{RECORDING}/cancel", response_model=Message)
def cancel(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Stops the work for good."""
    jobs.cancel(core, caller, recording_id)
    return {"message": "The transcription is cancelled."}
