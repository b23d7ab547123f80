"""Uploads of the Speakr API."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.callers import CallerOf, CoreOf
from api.idempotency import KeyOf, say_replayed
from api.presigned import uuid_of
from api.speakr import queries
from api.uploads import receive
from shared.dialects.speakr import recordings as phrase
from shared.domain.accounts import Caller
from shared.domain.errors import Invalid
from shared.domain.recordings import CopyRef, Recording
from shared.services import ingest, uploads
from shared.services.core import Core

router = APIRouter(tags=["Recordings"])


@router.post(
    "/recordings/upload",
    status_code=202,
    response_model=phrase.UploadedRecording,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "upload_id": {
                                "type": "string",
                                "format": "uuid",
                                "description": "instead of file: an upload of POST /uploads",
                            },
                            "title": {"type": "string", "maxLength": 200},
                            "notes": {"type": "string"},
                            "language": {"type": "string", "description": "ISO 639-1; empty: as if left out"},
                            "min_speakers": {"type": "integer", "minimum": 1},
                            "max_speakers": {"type": "integer", "minimum": 1},
                            "meeting_date": {"type": "string", "format": "date-time"},
                            "file_last_modified": {"type": "string", "description": "milliseconds since 1970"},
                            "hotwords": {"type": "string"},
                            "initial_prompt": {"type": "string"},
                            "transcription_model": {"type": "string"},
                            "tag_ids[0]": {"type": "integer", "description": "and tag_ids[1], tag_ids[2], …"},
                            "tag_id": {"type": "integer", "description": "where none of tag_ids counts"},
                            "folder_id": {"type": "integer"},
                            "keep_audio_only": {"type": "boolean", "description": "A file is kept as it comes."},
                            "prompt_variables": {
                                "type": "string",
                                "description": "a JSON object: what {{name}} means in prompts for the summary",
                            },
                        },
                    }
                }
            },
        }
    },
)
async def upload(request: Request, core: CoreOf, caller: CallerOf, key: KeyOf) -> Any:
    """Stores a recording and queues its transcription."""
    ingest.check_scope(caller)
    before = await run_in_threadpool(ingest.made_before, core, caller, key)
    if before is None:
        recording, copies = await _taken_in(request, core, caller, key)
    else:
        # Its bytes are not even read.
        recording, copies = before
        say_replayed(request)
    return phrase.uploaded(recording, copies, await run_in_threadpool(ingest.brought, core, recording))


async def _taken_in(
    request: Request, core: Core, caller: Caller, key: str | None
) -> tuple[Recording, Sequence[CopyRef]]:
    form = await receive(request, core)
    new = replace(queries.new_recording(form.fields), idempotency_key=key)
    if form.upload is not None:
        uuid = form.upload.uuid
        recording, copies = await run_in_threadpool(ingest.create, core, caller, form.upload, new)
    elif upload_id := form.fields.get("upload_id"):
        uuid = uuid_of(upload_id)
        recording, copies = await run_in_threadpool(uploads.use, core, caller, uuid, new)
    else:
        raise Invalid("The form needs a part named file, with a file name, or the upload_id of an upload.")
    if recording.uuid != uuid:
        # Another request with the same key was there first.
        say_replayed(request)
    return recording, copies
