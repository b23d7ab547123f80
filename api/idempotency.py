"""The header Idempotency-Key, and the header that tells an answer from a repeated one."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.encoders import jsonable_encoder
from starlette.requests import HTTPConnection

from api.visitors import say
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Invalid
from shared.services import idempotency
from shared.services.core import Core

_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_DESCRIPTION = "The same key again within 24 hours does the work once, and gets the same answer."


def key_of(
    idempotency_key: Annotated[
        str | None,
        Header(
            description=_DESCRIPTION, json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": r"^[\x20-\x7e]+$"}
        ),
    ] = None,
) -> str | None:
    """The client's key, or None. Raises Invalid."""
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise Invalid("An Idempotency-Key is 1 to 255 printable ASCII characters.")
    return idempotency_key


KeyOf = Annotated[str | None, Depends(key_of)]


def tell_replay(connection: HTTPConnection, core: Core, caller: Caller, key: str | None, purpose: str) -> None:
    """Says so if the key has been used before, for this very purpose. Raises Conflict if it was for another."""
    if idempotency.recall(core, caller, key, purpose) is not None:
        say_replayed(connection)


def once(
    connection: HTTPConnection,
    core: Core,
    caller: Caller,
    key: str | None,
    purpose: str,
    act: Callable[[], dict[str, Any]],
    *,
    needs: Sequence[Scope] = (Scope.PROCESS,),
) -> dict[str, Any]:
    """The answer of `act`, or the one that an earlier request with the same key has got, if the token has `needs`."""
    if key is None:
        return act()
    answer, replayed = idempotency.once(core, caller, key, purpose, lambda: jsonable_encoder(act()), needs=needs)
    if replayed:
        say_replayed(connection)
    return answer


def say_replayed(connection: HTTPConnection) -> None:
    """The answer is that of an earlier request."""
    say(connection, Idempotent_Replay="true")
