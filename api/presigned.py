"""`/uploads`: files of any size, sent in parts straight to the object store, and resumed after a broken line."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.callers import CallerOf, CoreOf
from shared.domain.errors import NotFound
from shared.domain.tasks import TranscribeOptions
from shared.domain.uploads import UploadStatus
from shared.services import uploads
from shared.services.ingest import NewRecording
from shared.services.uploads import Progress


class Problem(BaseModel):
    detail: str


router = APIRouter(
    prefix="/uploads", tags=["Uploads"], responses={"4XX": {"model": Problem}, "503": {"model": Problem}}
)

_Id = Annotated[str, Path(description="The `upload_id`.")]


def _in_utc(moment: datetime) -> datetime:
    """Without a zone it is taken for UTC."""
    if not 1900 <= moment.year <= 9000:
        raise ValueError("a year between 1900 and 9000")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


class NewRecordingBody(BaseModel):
    """As the fields of an upload form."""

    model_config = ConfigDict(extra="ignore")

    title: str = ""
    notes: str = ""
    meeting_date: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    language: str | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    hotwords: str | None = None
    initial_prompt: str | None = None
    transcription_model: str | None = None
    tag_ids: list[int] = Field(default=[], max_length=100)
    folder_id: int | None = None
    prompt_variables: dict[str, str] = {}

    def wanted(self) -> NewRecording:
        options = TranscribeOptions(
            language=self.language,
            min_speakers=self.min_speakers,
            max_speakers=self.max_speakers,
            hotwords=self.hotwords,
            initial_prompt=self.initial_prompt,
            model=self.transcription_model,
        )
        return NewRecording(
            self.title,
            self.notes,
            self.meeting_date,
            options,
            tag_ids=tuple(self.tag_ids),
            folder_id=self.folder_id,
            prompt_variables=self.prompt_variables,
        )


class NewUpload(BaseModel):
    filename: str = Field(min_length=1, max_length=1000)
    size: int = Field(description="Bytes; exactly so many have to be sent.")
    content_type: str = Field(default="", max_length=200, description="Empty: by the name of the file.")
    sha256: str | None = Field(
        default=None, pattern="^[0-9a-f]{64}$", description="Of the whole file, in hexadecimal: finds duplicates."
    )
    recording: NewRecordingBody | None = Field(
        default=None,
        description="The recording to make as soon as all bytes are there. Without it, upload by id later.",
    )


class PartBody(BaseModel):
    number: int
    offset: int
    size: int
    received: bool
    url: str | None = Field(description="PUT exactly these bytes here, with `headers`. Ask again for more addresses.")
    headers: dict[str, str]


class RecordingBody(BaseModel):
    id: int
    uuid: UUID
    status: str


class UploadBody(BaseModel):
    upload_id: UUID
    status: UploadStatus
    filename: str
    content_type: str
    size: int
    part_size: int
    expires_at: datetime
    error_message: str | None
    parts: list[PartBody]
    recording: RecordingBody | None = Field(description="Once there is one.")


@router.post("", status_code=201, response_model=UploadBody)
def begin(body: NewUpload, response: Response, core: CoreOf, caller: CallerOf) -> Any:
    """Opens an upload: what to PUT where."""
    found = uploads.begin(
        core,
        caller,
        filename=body.filename,
        content_type=body.content_type,
        size=body.size,
        sha256=body.sha256,
        recording=body.recording.wanted() if body.recording is not None else None,
    )
    response.headers["Location"] = f"/uploads/{found.upload.id}"
    return _shown(found)


@router.get("/{upload_id}", response_model=UploadBody)
def progress(upload_id: _Id, core: CoreOf, caller: CallerOf) -> Any:
    """Which parts are there, and fresh addresses for those that are not."""
    return _shown(uploads.progress(core, caller, uuid_of(upload_id)))


@router.post("/{upload_id}/complete", response_model=UploadBody)
def complete(upload_id: _Id, core: CoreOf, caller: CallerOf) -> Any:
    """Says that all parts are sent. Fine to repeat."""
    return _shown(uploads.complete(core, caller, uuid_of(upload_id)))


@router.delete("/{upload_id}", status_code=204)
def abort(upload_id: _Id, core: CoreOf, caller: CallerOf) -> None:
    """Drops an upload and what was sent of it."""
    uploads.abort(core, caller, uuid_of(upload_id))


def uuid_of(text: str) -> UUID:
    """Raises NotFound for what is no id."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such upload.") from error


def _shown(found: Progress) -> dict[str, Any]:
    upload, recording = found.upload, found.recording
    # Parts belong to an object whose type is fixed already.
    headers = {"Content-Type": upload.content_type} if upload.reference is None else {}
    return {
        "upload_id": upload.id,
        "status": upload.status,
        "filename": upload.filename,
        "content_type": upload.content_type,
        "size": upload.size,
        "part_size": upload.part_size,
        "expires_at": upload.expires_at,
        "error_message": upload.error_message,
        "parts": [
            {
                "number": address.part.number,
                "offset": address.offset,
                "size": address.part.size,
                "received": address.received,
                "url": address.url,
                "headers": headers,
            }
            for address in found.addresses
        ],
        "recording": recording and {"id": recording.id, "uuid": recording.uuid, "status": recording.status.value},
    }
