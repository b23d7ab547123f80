"""Recordings in the Speakr API."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from api import ranges
from api.bodies import read_json
from api.callers import CallerOf, CoreOf
from api.presigned import uuid_of
from api.speakr import queries
from api.uploads import receive
from shared.dialects.speakr import phrase, schemas
from shared.domain.errors import Invalid, NotFound
from shared.domain.tasks import TranscribeOptions
from shared.services import jobs, recordings, transcripts, uploads

router = APIRouter(tags=["Recordings"])

# Ids are bigint in the database; anything else is no id of ours.
Id = Annotated[int, Path(ge=0, le=2**63 - 1)]
_R = "/recordings/{recording_id}"
_TEXTS = ("transcription", "summary", "notes")


@router.post(
    "/recordings/upload",
    status_code=202,
    response_model=schemas.UploadedRecording,
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
                            "language": {"type": "string", "description": "ISO 639-1; empty: found out"},
                            "min_speakers": {"type": "integer", "minimum": 1},
                            "max_speakers": {"type": "integer", "minimum": 1},
                            "meeting_date": {"type": "string", "format": "date-time"},
                            "file_last_modified": {"type": "string", "description": "milliseconds since 1970"},
                            "hotwords": {"type": "string"},
                            "initial_prompt": {"type": "string"},
                            "transcription_model": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
async def upload(request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Stores a recording and queues its transcription."""
    form = await receive(request, core)
    new = queries.new_recording(form.fields)
    if form.upload is not None:
        recording, copies = await run_in_threadpool(recordings.create, core, caller, form.upload, new)
    elif upload_id := form.fields.get("upload_id"):
        recording, copies = await run_in_threadpool(uploads.use, core, caller, uuid_of(upload_id), new)
    else:
        raise Invalid("The form needs a part named file, with a file name, or the upload_id of an upload.")
    return phrase.uploaded(recording, copies, new.notes.strip() or None)


@router.get("/recordings", response_model=schemas.RecordingPage)
def list_recordings(query: Annotated[schemas.ListQuery, Query()], core: CoreOf, caller: CallerOf) -> Any:
    """The caller's recordings, a page at a time."""
    listing = queries.listing(query.model_dump(exclude_none=True), caller.user_id)
    found, total = recordings.page(core, listing)
    return phrase.page(found, total, listing)


@router.get(_R, response_model=schemas.RecordingDetail, response_model_exclude_unset=True)
def detail(
    recording_id: Id, core: CoreOf, caller: CallerOf, format: str = "full", include: str = ",".join(_TEXTS)
) -> Any:
    """One recording; `format=minimal` or `include` leave texts out."""
    wanted = () if format == "minimal" else [text for text in _TEXTS if text in map(str.strip, include.split(","))]
    recording, notes, summary = recordings.texts(core, caller, recording_id)
    texts: dict[str, str | None] = {"notes": notes, "summary": summary.text}
    if "transcription" in wanted:
        texts["transcription"] = _rendered(core, caller, recording_id) if recording.has_transcript else None
    copies = recordings.copies(core, caller, recording)
    return _with_defaults(phrase.detail(recording, copies, **{name: texts[name] for name in wanted}))


def _rendered(core: CoreOf, caller: CallerOf, recording_id: int) -> str:
    transcript = transcripts.get(core, caller, recording_id)
    return phrase.EXPORTS["text"](transcript.segments, transcript.names)


def _with_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """`exclude_unset` leaves out the texts that were not asked for; the other defaults are to stay."""
    fields = schemas.RecordingDetail.model_fields
    return {**{name: field.default for name, field in fields.items() if name not in _TEXTS}, **data}


@router.delete(_R, response_model=schemas.Message)
def delete(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Deletes a recording with its audio, transcript and history, and stops the work on it."""
    recordings.delete(core, caller, recording_id)
    return {"message": "The recording is deleted."}


@router.get(f"{_R}/status", response_model=schemas.RecordingStatus)
def status(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """For polling: cheap, and it answers also while the recording is at work."""
    found = recordings.status(core, caller, recording_id)
    return phrase.status(found.recording, found.queue_position, found.progress)


@router.get(
    f"{_R}/transcript",
    responses={200: {"model": schemas.TranscriptJson | schemas.TranscriptContent}},
)
def transcript(recording_id: Id, core: CoreOf, caller: CallerOf, format: str = "json") -> Response:
    """The transcript as `json`, `text`, `srt` or `vtt`; the answer is JSON in each case."""
    wanted = format.lower()
    if wanted != "json" and wanted not in phrase.EXPORTS:
        raise Invalid("format is one of json, text, srt, vtt.")
    found = transcripts.get(core, caller, recording_id)
    if wanted == "json":
        return JSONResponse(phrase.transcript_json(found.segments, found.names, found.recording.warnings))
    return JSONResponse(phrase.transcript_content(wanted, found.segments, found.names))


@router.get(f"{_R}/summary", response_model=schemas.SummaryAnswer)
def summary(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """The summary as one text and in parts; empty until there is one."""
    _, _, found = recordings.texts(core, caller, recording_id)
    return phrase.summary(found)


@router.head(f"{_R}/audio", include_in_schema=False)
@router.get(f"{_R}/audio", response_class=FileResponse)
def audio(request: Request, recording_id: Id, core: CoreOf, caller: CallerOf, download: str = "false") -> Response:
    """The audio as it was uploaded; answers Range requests."""
    recording = recordings.get(core, caller, recording_id)
    size = core.objects.size(recording.audio_key)
    if size is None:
        raise NotFound("The audio of this recording is not there.")
    path = core.objects.path(recording.audio_key)
    kind = "attachment" if download.lower() == "true" else "inline"
    if path is None and request.method == "HEAD":
        # An address that is signed for GET answers nothing else.
        there = {"Content-Length": str(size), "Accept-Ranges": "bytes"}
        return Response(media_type=recording.mime_type, headers=there)
    if path is None:
        named = f"{kind}; filename*=UTF-8''{quote(recording.original_filename, safe='')}"
        said = {"content_type": recording.mime_type, "disposition": named}
        return RedirectResponse(core.objects.download_url(recording.audio_key, seconds=3600, **said), 302)
    ranges.settle(request, size)
    return FileResponse(
        path,
        media_type=recording.mime_type,
        filename=recording.original_filename,
        content_disposition_type=kind,
        headers={"X-Content-Type-Options": "nosniff"},
    )


_request_body = TypeAdapter(schemas.TranscribeRequest)


@router.post(
    f"{_R}/transcribe",
    response_model=schemas.JobAnswer,
    openapi_extra={
        "requestBody": {"content": {"application/json": {"schema": schemas.TranscribeRequest.model_json_schema()}}}
    },
)
async def transcribe(recording_id: Id, request: Request, core: CoreOf, caller: CallerOf) -> Any:
    """Transcribes a recording again; the old transcript stays until the new one is there."""
    asked = _parse(await read_json(request))
    options = TranscribeOptions(
        language=asked.language,
        min_speakers=asked.min_speakers,
        max_speakers=asked.max_speakers,
        hotwords=asked.hotwords,
        initial_prompt=asked.initial_prompt,
        model=asked.transcription_model,
    )
    return phrase.job(await run_in_threadpool(jobs.submit, core, caller, recording_id, options))


def _parse(body: object) -> schemas.TranscribeRequest:
    try:
        return _request_body.validate_python(body)
    except ValidationError as error:
        problem = error.errors()[0]
        raise Invalid(f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}") from error


@router.post(f"{_R}/pause", response_model=schemas.Message)
def pause(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Stops the work and keeps what is finished."""
    jobs.pause(core, caller, recording_id)
    return {"message": "The transcription is paused."}


@router.post(f"{_R}/resume", response_model=schemas.Message)
def resume(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Goes on where a paused transcription ended."""
    jobs.resume(core, caller, recording_id)
    return {"message": "The transcription goes on."}


@router.post(f"{_R}/cancel", response_model=schemas.Message)
def cancel(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """Stops the work for good."""
    jobs.cancel(core, caller, recording_id)
    return {"message": "The transcription is cancelled."}
