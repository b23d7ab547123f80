"""Domain errors as HTTP: one table of codes; each dialect gives the shape of the body."""

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.methods import allowed
from shared.dialects.http_status import status_of
from shared.domain.errors import HansardError

logger = logging.getLogger("hansard.api")

_NOTHING_HERE = "There is nothing at this address."

#: `(path, message, details)` -> body
Body = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def install(app: FastAPI, body: Body) -> None:
    """Every failure of `app`, expected or not, becomes JSON in the dialect's shape."""

    def answer(
        path: str,
        status: int,
        message: str,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> JSONResponse:
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return JSONResponse(body(path, message, details or {}), status, {**challenge, **(headers or {})})

    async def domain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HansardError)
        return answer(request.url.path, status_of(error), str(error), error.details)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            methods = {"Allow": ", ".join(allowed(request.app, request.scope))}
            return answer(request.url.path, 405, f"This address does not take {request.method}.", {}, methods)
        message = _NOTHING_HERE if error.detail == "Not Found" else str(error.detail)
        return answer(request.url.path, error.status_code, message, {}, dict(error.headers or {}))

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        if error.errors()[0]["loc"][0] == "path":
            # What cannot be an id names nothing, like an id that is not taken.
            return answer(request.url.path, 404, _NOTHING_HERE)
        return answer(request.url.path, 400, _first_problem(error))

    app.add_exception_handler(HansardError, domain)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_middleware(_Unexpected, answer=lambda path: answer(path, 500, "Something went wrong on the server."))


class _Unexpected:
    """Answers for what nobody foresaw, and logs it.

    Starlette's own way raises the error once more after the answer, which makes the server close the connection and
    leaves out what the middleware further out adds.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[str], JSONResponse]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def noting_the_beginning(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noting_the_beginning)
        except Exception:  # a door: whoever called has to be answered
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if began:
                # The client must see that its answer is not whole.
                raise
            await self._answer(scope["path"])(scope, receive, send)


def _first_problem(error: RequestValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query", "path"))
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
