"""Credentials, in any place a dialect accepts them, become a Caller."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from shared.domain.accounts import Caller
from shared.domain.errors import Unauthenticated
from shared.services import accounts
from shared.services.core import Core


def core_of(connection: HTTPConnection) -> Core:
    return connection.app.state.core


def caller_of(connection: HTTPConnection) -> Caller:
    """Raises Unauthenticated."""
    if connection.app.state.auth == "none":
        return connection.app.state.owner
    token = token_of(connection)
    if token is None:
        raise Unauthenticated("This needs an API token: Authorization: Bearer <token>.")
    return accounts.authenticate(core_of(connection), token)


def token_of(connection: HTTPConnection) -> str | None:
    """The first of Bearer, X-API-Token, API-Token and ?token= that is present; the others are not tried."""
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    for name in ("x-api-token", "api-token"):
        if value := connection.headers.get(name):
            return value
    return connection.query_params.get("token") or None


CoreOf = Annotated[Core, Depends(core_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
