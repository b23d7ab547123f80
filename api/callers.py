"""Credentials, in any place a dialect accepts them, become a Caller."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.visitors import count_refusal
from shared.domain.accounts import Caller
from shared.domain.credentials import find_token
from shared.domain.errors import Unauthenticated
from shared.services import accounts
from shared.services.core import Core


def core_of(connection: HTTPConnection) -> Core:
    return connection.app.state.core


def caller_of(connection: HTTPConnection) -> Caller:
    """Raises Unauthenticated, or RateLimited for an address that has been refused too often."""
    if connection.app.state.auth == "none":
        return accounts.refreshed(core_of(connection), connection.app.state.owner)
    try:
        return accounts.authenticate(core_of(connection), find_token(connection.headers, connection.query_params))
    except Unauthenticated:
        count_refusal(connection)
        raise


CoreOf = Annotated[Core, Depends(core_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
