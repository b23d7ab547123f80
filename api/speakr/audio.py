"""The audio of a recording in the Speakr API."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from api import ranges
from api.callers import CallerOf, CoreOf
from api.speakr.paths import RECORDING, Id
from shared.domain.errors import NotFound
from shared.services import recordings

router = APIRouter(tags=["Recordings"])


@router.head(f"{RECORDING}/audio", include_in_schema=False)
@router.get(
    f"{RECORDING}/audio",
    response_class=FileResponse,
    responses={206: {"description": "A part of it, for a Range"}, 302: {"description": "Where the audio is"}},
)
def audio(request: Request, recording_id: Id, core: CoreOf, caller: CallerOf, download: str = "false") -> Response:
    """The audio as it was uploaded; answers Range requests."""
    recording = recordings.get(core, caller, recording_id)
    size = None if recording.audio_deleted_at else core.objects.size(recording.audio_key)
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
