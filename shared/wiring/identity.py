"""Whose tokens are accepted beside Hansard's own, by the settings."""

import logging

from shared.adapters.jwks import Jwks
from shared.adapters.jwt_identity import JwtIdentity, KeyOf, public_key, shared_secret
from shared.domain.errors import Invalid
from shared.wiring.settings import Settings

logger = logging.getLogger("hansard")

#: HS256 is as hard to break as its secret is to guess (RFC 7518, 3.2).
_SECRET_BYTES = 32


def identity(settings: Settings) -> JwtIdentity | None:
    """None where no identity provider is set. Raises Invalid for settings that contradict each other."""
    keys = [each for each in (settings.jwt_secret, settings.jwt_public_key, settings.jwks_url) if each]
    if not keys:
        return None
    if len(keys) > 1:
        raise Invalid("Set only one of HANSARD_JWT_SECRET, HANSARD_JWT_PUBLIC_KEY and HANSARD_JWKS_URL.")
    if not settings.jwt_issuer or not settings.jwt_audience:
        raise Invalid("Tokens of an identity provider need HANSARD_JWT_ISSUER and HANSARD_JWT_AUDIENCE, too.")
    return JwtIdentity(
        _keys(settings),
        algorithm="HS256" if settings.jwt_secret else "RS256",
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _keys(settings: Settings) -> KeyOf:
    if settings.jwks_url:
        return Jwks(settings.jwks_url)
    if settings.jwt_public_key:
        return public_key(settings.jwt_public_key)
    assert settings.jwt_secret
    if len(settings.jwt_secret.encode()) < _SECRET_BYTES:
        logger.warning("HANSARD_JWT_SECRET is shorter than %d bytes: it can be guessed.", _SECRET_BYTES)
    return shared_secret(settings.jwt_secret)
