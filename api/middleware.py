"""What every request passes, whichever API it is for."""

import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.visitors import ANSWER_HEADERS
from shared.domain.addresses import is_loopback

#: What is answered here depends on who asks, which stands in one of these.
_PERSONAL = ("/api/", "/speakers/", "/uploads")
_CREDENTIALS = "Authorization, X-API-Token, API-Token"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """Puts `X-Request-ID` (the client's own if it is sane) and `X-Process-Time-Ms` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid4())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Process-Time-Ms"] = f"{(time.perf_counter() - began) * 1000:.2f}"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class AnswerHeaders:
    """Puts on every answer what was said of it on the way (`visitors.say`), and that it is for this caller alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said: dict[str, str] = {}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Robots-Tag"] = "noindex"
                if scope["path"].startswith(_PERSONAL):
                    headers.add_vary_header(_CREDENTIALS)
                headers.update(said)
            await send(message)

        # Mounted applications get copies of the scope; this they share.
        await self._app({**scope, ANSWER_HEADERS: said}, receive, send_with_headers)


class LoopbackOnly:
    """For a server without accounts: a web page in the user's browser must not get at the user's recordings.

    Such a page is foreign by its `Origin`, or, when its name has been made to resolve to this machine (DNS
    rebinding), by the `Host` it thinks it talks to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _is_local(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refusal = "This server has no accounts, so it answers only to pages and programs of its own machine."
        await JSONResponse({"error": refusal, "detail": refusal}, 403)(scope, receive, send)


def _is_local(headers: Headers) -> bool:
    origin = headers.get("origin")
    return is_loopback(f"//{headers.get('host', '')}") and (origin is None or is_loopback(origin))
