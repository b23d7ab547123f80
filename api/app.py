"""create_app: the one place where the APIs come together. Nothing happens at import."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Literal

from fastapi import FastAPI

from api import docs, errors, internal, presigned
from api.middleware import LoopbackOnly, RequestId
from api.openapi import DocumentedAPI
from api.saled import live as saled_live
from api.saled import service as saled_service
from api.speakr import app as speakr
from shared.services import accounts
from shared.services.core import Core

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(core: Core, *, auth: Literal["none", "required"], lifespan: Lifespan | None = None) -> FastAPI:
    """`auth="none"`: whoever calls is the local owner, so only this machine may call."""
    app = DocumentedAPI(
        title="Hansard", version="1.0.0", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan
    )
    app.state.core = core
    app.state.auth = auth
    app.state.owner = accounts.local_owner(core) if auth == "none" else None
    errors.install(app, lambda status, message, details: {"detail": message})
    app.include_router(internal.router)
    app.include_router(presigned.router)
    app.include_router(saled_service.router)
    app.include_router(saled_live.router)
    docs.install(app)
    app.mount(docs.ASSETS, docs.assets())
    app.mount("/api/v1", speakr.create(app.state))
    if auth == "none":
        app.add_middleware(LoopbackOnly)
    app.add_middleware(RequestId)
    return app
