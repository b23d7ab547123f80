"""The Speakr API as an application of its own, mounted at /api/v1."""

from typing import Any

from fastapi import FastAPI

from api import docs, errors
from api.limits import COUNTED, count_pages
from api.methods import HeadAndOptions
from api.openapi import DocumentedAPI
from api.speakr import (
    accounts,
    audio,
    batch,
    calendar,
    chat,
    connector,
    edits,
    folders,
    jobs,
    recordings,
    speaker_suggestions,
    speakers,
    stats,
    tags,
    tokens,
    transcripts,
    unversioned,
    uploads,
    webhooks,
)
from shared.dialects.speakr.common import Error

#: What every address may answer.
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": {"model": Error}, "503": {"model": Error}}
#: Where Speakr's errors are answered. All but the first are at the root of the application, beside its versioned API.
PATHS = ("/api/v1", "/api/tokens", "/api/transcript-templates", "/api/recordings", "/speakers/")


def include_roots(app: FastAPI) -> None:
    """What Speakr answers beside its versioned API."""
    for part in (unversioned, tokens, speaker_suggestions):
        app.include_router(part.router, dependencies=COUNTED, responses=ERRORS)


def error_body(_: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"error": message, **details}


def create(state: Any) -> FastAPI:
    app = DocumentedAPI(
        title="Hansard: Speakr API",
        version="1.0.0",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses=ERRORS,
    )
    app.state = state
    errors.install(app, error_body)
    # An address with a word in it comes before those with an id in its place.
    for part in (
        accounts,
        stats,
        batch,
        uploads,
        edits,
        tags,
        folders,
        speakers,
        recordings,
        transcripts,
        audio,
        jobs,
        webhooks,
        chat,
        calendar,
        connector,
    ):
        app.include_router(part.router, dependencies=COUNTED)
    docs.install(app)
    count_pages(app)
    app.add_middleware(HeadAndOptions)
    return app
