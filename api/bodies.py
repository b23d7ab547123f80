"""Small JSON bodies: read up to a limit, so that nobody fills the memory with one."""

import json
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.domain.errors import Invalid, TooLarge

_LIMIT = 1024 * 1024


async def read_json(request: Request) -> Any:
    """The body as plain data; a missing one is `{}`. Raises Invalid and TooLarge."""
    body = await _read(request)
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON.") from error


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LIMIT:
                raise TooLarge(f"The body is larger than {_LIMIT // 1024} KiB.")
    except ClientDisconnect as error:
        raise Invalid("The request broke off.") from error
    return bytes(body)
