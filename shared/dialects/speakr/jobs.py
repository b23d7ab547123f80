"""Processing in Speakr's words."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictInt

from shared.domain.jobs import Job, JobKind
from shared.domain.models import known_model
from shared.domain.tasks import TranscribeOptions


class TranscribeRequest(BaseModel):
    """Every field may be left out; unknown ones are ignored, and so are models that nobody knows.

    An empty language is to be found out; without one the server's counts.
    """

    model_config = ConfigDict(extra="ignore")

    language: str | None = None
    min_speakers: StrictInt | None = None
    max_speakers: StrictInt | None = None
    hotwords: str | None = None
    initial_prompt: str | None = None
    transcription_model: str | None = None


class SummarizeRequest(BaseModel):
    """Without a prompt that of the tags, the folder or the owner counts."""

    model_config = ConfigDict(extra="ignore")

    custom_prompt: str | None = None


class JobAnswer(BaseModel):
    success: bool = True
    job_id: int
    status: Literal["QUEUED"] = "QUEUED"
    message: str


def options(asked: TranscribeRequest) -> TranscribeOptions:
    return TranscribeOptions(
        language=asked.language,
        min_speakers=asked.min_speakers,
        max_speakers=asked.max_speakers,
        hotwords=asked.hotwords,
        initial_prompt=asked.initial_prompt,
        model=known_model(asked.transcription_model),
    )


def job(queued: Job) -> dict[str, Any]:
    work = "summary" if queued.kind is JobKind.SUMMARIZE else "transcription"
    return {"job_id": queued.id, "message": f"The {work} is queued."}
