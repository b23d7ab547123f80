"""The WebSocket API: who connects to watch what, pings, and goodbyes. What there is to see, live_updates sends.

API Gateway knows no paths: the edge turns `/api/transcribe/live/{job_id}?…` into `?path=…&…`.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from functions.aws.runtime import Answer, Event, connections, core, live
from shared.dialects.http_status import status_of
from shared.domain.connections import MESSAGE_BYTES
from shared.domain.credentials import SUBPROTOCOL, find_token, offered_token
from shared.domain.errors import HansardError, NotFound

logger = logging.getLogger("hansard.aws")

#: Path and dialect of what can be watched; the group is the uuid of a recording.
_PATHS = ((re.compile(r"/api/transcribe/live/([^/]+)/?"), "saled"),)


def handler(event: Event, _: Any) -> Answer:
    context = event["requestContext"]
    connection_id = context["connectionId"]
    try:
        match context["routeKey"]:
            case "$connect":
                return _connect(event, connection_id)
            case "$disconnect":
                _disconnect(connection_id)
            case _:
                _hear(event, connection_id)
    except HansardError as error:
        logger.info("connection %s: %s", connection_id, error)
        return {"statusCode": status_of(error)}
    return {"statusCode": 200}


def _disconnect(connection_id: str) -> None:
    from shared.services import broadcast

    broadcast.disconnect(core(), connection_id)


def _connect(event: Event, connection_id: str) -> Answer:
    from shared.services import accounts, broadcast

    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    query: Mapping[str, str] = event.get("queryStringParameters") or {}
    dialect, name = _asked(query.get("path", ""))
    caller = accounts.authenticate(core(), find_token(headers, query))
    try:
        after = query.get("after", "")
        seen = int(after) if re.fullmatch("[0-9]{1,18}", after) else None
        recording = broadcast.connect(core(), caller, connection_id, _uuid(name), dialect=dialect, after=seen)
    except NotFound:
        # The socket opens all the same: clients of this API expect to be told on it.
        live().refuse(connection_id, dialect)
    else:
        # Not before the connection stands, which it does when this has returned.
        live().later(recording.id, 1)
    chosen = {"Sec-WebSocket-Protocol": SUBPROTOCOL} if offered_token(headers) else {}
    return {"statusCode": 200, "headers": chosen}


def _asked(path: str) -> tuple[str, str]:
    for pattern, dialect in _PATHS:
        if found := pattern.fullmatch(path):
            return dialect, found[1]
    raise NotFound("There is nothing to watch at this address.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such recording.") from error


def _hear(event: Event, connection_id: str) -> None:
    """Answers pings; whatever else a client says is not for us. Ends connections that API Gateway would end."""
    body = event.get("body")
    # An emulator may hand over what API Gateway refuses: binary frames, and texts that are too long.
    not_text = event.get("isBase64Encoded") or not isinstance(body, str | None)
    if not_text or len((body or "").encode(errors="surrogatepass")) > MESSAGE_BYTES:
        connections().close([connection_id])
        return
    try:
        said = json.loads(body or "null")
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and said.get("type") == "ping":
        connections().send({connection_id: ['{"type": "pong"}']})
