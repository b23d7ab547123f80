"""Credentials, in any place a dialect accepts them, become a Caller."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from shared.domain.accounts import Caller
from shared.domain.credentials import find_token
from shared.services import accounts
from shared.services.core import Core


def core_of(connection: HTTPConnection) -> Core:
    return connection.app.state.core


def caller_of(connection: HTTPConnection) -> Caller:
    """Raises Unauthenticated."""
    if connection.app.state.auth == "none":
        return connection.app.state.owner
    return accounts.authenticate(core_of(connection), find_token(connection.headers, connection.query_params))


CoreOf = Annotated[Core, Depends(core_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
