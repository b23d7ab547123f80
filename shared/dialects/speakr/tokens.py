"""API tokens in Speakr's words. `scopes` is Hansard's."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.dialects.speakr.common import utc
from shared.domain.accounts import ApiToken, Scope


class NewToken(BaseModel):
    """Without `scopes` the token is good for everything that the one shown is good for; 0 days: for ever."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str | None = None
    expires_in_days: int | None = None
    scopes: list[str] | None = None


class TokenChange(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: str


class TokenShape(BaseModel):
    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked: bool
    scopes: list[Scope]


class CreatedToken(TokenShape):
    token: str


class TokenList(BaseModel):
    tokens: list[TokenShape]


class TokenMessage(BaseModel):
    message: str


def token(found: ApiToken) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "created_at": utc(found.created_at),
        "last_used_at": utc(found.last_used_at),
        "expires_at": utc(found.expires_at),
        # One that is revoked is gone.
        "revoked": False,
        "scopes": [each for each in Scope if found.scopes is None or each in found.scopes],
    }
