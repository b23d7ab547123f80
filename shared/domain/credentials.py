"""Where a request or a WebSocket may carry its token, and what an API token is."""

import hashlib
import secrets
from collections.abc import Mapping

from shared.domain.errors import Unauthenticated

#: Browsers cannot set headers on a WebSocket: they offer `bearer, <token>` as subprotocols, and get `bearer` back.
SUBPROTOCOL = "bearer"


def find_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The first of Bearer, X-API-Token, API-Token, subprotocol and ?token= that is present; the others are not tried.

    Names of `headers` are in lower case. Raises Unauthenticated when there is none.
    """
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    candidates = (
        bearer.strip() if scheme.lower() == "bearer" else "",
        headers.get("x-api-token", ""),
        headers.get("api-token", ""),
        offered_token(headers),
        query.get("token", ""),
    )
    for candidate in candidates:
        if candidate:
            return candidate
    raise Unauthenticated("This needs an API token: Authorization: Bearer <token>.")


def offered_token(headers: Mapping[str, str]) -> str:
    """The token among the subprotocols of a WebSocket, or nothing."""
    first, _, rest = headers.get("sec-websocket-protocol", "").partition(",")
    return rest.split(",")[0].strip() if first.strip().lower() == SUBPROTOCOL else ""


def new_token() -> str:
    """32 random bytes as 43 characters. It is shown once: only its hash is stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256: what is random enough needs no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def is_jwt(credential: str) -> bool:
    """API tokens have no dots, JWTs have two."""
    return credential.count(".") == 2
