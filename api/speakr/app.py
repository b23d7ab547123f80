"""The Speakr API as an application of its own, mounted at /api/v1."""

from typing import Any

from fastapi import FastAPI

from api import docs, errors
from api.methods import HeadAndOptions
from api.openapi import DocumentedAPI
from api.speakr import recordings
from shared.dialects.speakr.schemas import Error

_SECURITY: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Token"},
    "header_short": {"type": "apiKey", "in": "header", "name": "API-Token"},
    "query": {"type": "apiKey", "in": "query", "name": "token"},
}


class _SpeakrAPI(DocumentedAPI):
    def openapi(self) -> dict[str, Any]:
        """Also says where a token goes: any of the four places will do."""
        document = super().openapi()
        document["components"]["securitySchemes"] = _SECURITY
        document["security"] = [{name: []} for name in _SECURITY]
        return document


def create(state: Any) -> FastAPI:
    app = _SpeakrAPI(
        title="Hansard: Speakr API",
        version="1.0.0",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses={"4XX": {"model": Error}},
    )
    app.state = state
    errors.install(app, lambda status, message, details: {"error": message, **details})
    app.include_router(recordings.router)
    docs.install(app)
    app.add_middleware(HeadAndOptions)
    return app
