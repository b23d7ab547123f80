"""create_app: the one place where the APIs come together. Nothing happens at import."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

from fastapi import FastAPI

from api import docs, errors, internal, presigned
from api.limits import COUNTED, count_pages
from api.methods import HeadAndOptions
from api.middleware import AnswerHeaders, LoopbackOnly, RequestId
from api.openapi import DocumentedAPI
from api.saled import live as saled_live
from api.saled import service as saled_service
from api.speakr import app as speakr
from shared.services import accounts
from shared.services.core import Core

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    core: Core, *, auth: Literal["none", "required"], proxy_hops: int = 0, lifespan: Lifespan | None = None
) -> FastAPI:
    """`auth="none"`: whoever calls is the local owner, so only this machine may call.

    `proxy_hops`: so many proxies stand in front and add to X-Forwarded-For.
    """
    app = DocumentedAPI(
        title="Hansard", version="1.0.0", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan
    )
    app.state.core = core
    app.state.auth = auth
    app.state.proxy_hops = proxy_hops
    app.state.owner = accounts.local_owner(core) if auth == "none" else None
    errors.install(app, _error_body)
    app.include_router(internal.router)
    app.include_router(presigned.router, dependencies=COUNTED)
    speakr.include_roots(app)
    app.include_router(saled_service.router)
    app.include_router(saled_live.router)
    docs.install(app)
    count_pages(app)
    app.mount(docs.ASSETS, docs.assets())
    app.mount("/api/v1", speakr.create(app.state))
    app.add_middleware(HeadAndOptions)
    app.add_middleware(AnswerHeaders)
    if auth == "none":
        app.add_middleware(LoopbackOnly)
    app.add_middleware(RequestId)
    return app


def _error_body(path: str, message: str, details: dict[str, Any]) -> dict[str, Any]:
    """In the words of the API that the path belongs to."""
    return speakr.error_body(path, message, details) if path.startswith(speakr.PATHS) else {"detail": message}
