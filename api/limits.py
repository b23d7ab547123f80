"""Rate limits at the door: every request of a known caller is counted in its class before its body is read."""

from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.callers import CallerOf, CoreOf
from api.visitors import address_of, count
from shared.domain.rate_limits import Kind, kind_of
from shared.services import rate_limits
from shared.services.core import Core

#: Pages that need no caller.
_PAGES = ("/docs", "/openapi.json")


async def counted(request: Request, core: CoreOf, caller: CallerOf) -> None:
    """Raises Unauthenticated, then RateLimited. FastAPI authenticates once for this and for the route."""
    if not core.policy.rate_limits:
        return
    kind = kind_of(request.method, request.scope["route"].path)
    if kind is not None:
        await run_in_threadpool(count, request, core, rate_limits.name_of(caller), kind)


#: For `include_router`.
COUNTED: Any = [Depends(counted)]


def count_pages(app: FastAPI) -> None:
    """The pages of an application that need no caller are counted by address."""
    for route in app.routes:
        if getattr(route, "path", None) in _PAGES:
            route.app = _ByAddress(route.app)  # type: ignore[attr-defined]


class _ByAddress:
    """Around one page: inside the application, so that a refusal is answered like any other error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        core: Core = connection.app.state.core
        if core.policy.rate_limits:
            name = rate_limits.name_of_address(address_of(connection))
            await run_in_threadpool(count, connection, core, name, Kind.READ)
        await self._app(scope, receive, send)
