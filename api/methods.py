"""HEAD is answered like GET, OPTIONS with what an address takes; `allowed` finds that out."""

from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def allowed(app: FastAPI, scope: Scope) -> list[str]:
    """The methods that the address in `scope` takes; none for one that is not there."""
    found = [method for method in _METHODS if _takes(app, scope, method)]
    return [*found, "HEAD", "OPTIONS"] if "GET" in found else [*found, "OPTIONS"] if found else []


def _takes(app: FastAPI, scope: Scope, method: str) -> bool:
    return any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)


def _is_mounted(app: FastAPI, scope: Scope) -> bool:
    return any(isinstance(route, Mount) and route.matches(scope)[0] is Match.FULL for route in app.routes)


class HeadAndOptions:
    """For an application, whose addresses are asked for as `scope["app"]`. One that is mounted answers for itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope.get("method")
        if method not in ("HEAD", "OPTIONS") or _is_mounted(scope["app"], scope):
            await self._app(scope, receive, send)
        elif method == "OPTIONS" and (methods := allowed(scope["app"], scope)):
            await Response(headers={"Allow": ", ".join(methods)})(scope, receive, send)
        elif method == "HEAD" and not _takes(scope["app"], scope, "HEAD"):
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_headers
