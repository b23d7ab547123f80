"""Tokens of an identity provider as JWTs: the only place that reads foreign ones with python-jose.

python-jose accepts a token without the audience that was asked for, headers marked critical that it does not know, and
claims of odd types. Here the algorithm belongs to the key, never to the token; `exp`, `sub`, `aud` and `iss` must be
there and be what they should be; `crit` is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.errors import Invalid, Unauthenticated
from shared.domain.recordings import check_storable
from shared.ports import Identity

#: Of an RSA key.
SMALLEST_BITS = 2048

_LEEWAY_SECONDS = 30
#: Far longer than any that carries groups and roles.
_TOKEN_LENGTH = 16_384
_SUBJECT_LENGTH = 255
_TEXT_LENGTH = 320
_NOT_VALID = "The token is not valid here."

#: The key for the `kid` of a token's header, as python-jose takes it. Raises Unauthenticated, Unavailable.
KeyOf = Callable[[str | None], Any]


def shared_secret(secret: str) -> KeyOf:
    """For HS256. Raises Invalid for what is no secret."""
    from jose import JOSEError, jwk

    try:
        # Made a key at once: python-jose would take a secret that looks like JSON for something else.
        key = jwk.construct(secret, "HS256")
    except JOSEError as error:
        raise Invalid("HANSARD_JWT_SECRET has to be a secret, not a key of another kind.") from error
    return lambda _: key


def public_key(pem: str) -> KeyOf:
    """For RS256. A line break may be written as `\\n`. Raises Invalid for what is no public RSA key."""
    from jose import JOSEError, jwk

    text = pem.replace("\\n", "\n").strip()
    told = Invalid("HANSARD_JWT_PUBLIC_KEY has to be a public RSA key of 2,048 bits or more, in PEM.")
    if "PRIVATE" in text:
        raise told
    try:
        key: Any = jwk.construct(text, "RS256")
        # Keys of other kinds have none of this.
        strong = key.to_dict()["kty"] == "RSA" and key.prepared_key.key_size >= SMALLEST_BITS
    except (JOSEError, ValueError, AttributeError) as error:
        raise told from error
    if not strong:
        raise told
    return lambda _: key


class JwtIdentity:
    """`algorithm` is HS256 with a secret, RS256 with public keys."""

    def __init__(self, key_of: KeyOf, *, algorithm: str, issuer: str, audience: str) -> None:
        self._key_of = key_of
        self._algorithm = algorithm
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> Identity:
        if len(token) > _TOKEN_LENGTH:
            raise Unauthenticated(_NOT_VALID)
        return _identity(self._claims(token, self._key_of(self._kid(token))))

    def _kid(self, token: str) -> str | None:
        from jose import JOSEError, jwt

        try:
            header = jwt.get_unverified_header(token)
        except (JOSEError, ValueError, RecursionError) as error:
            raise Unauthenticated(_NOT_VALID) from error
        kid = header.get("kid")
        if "crit" in header or header.get("alg") != self._algorithm or not isinstance(kid, str | None):
            raise Unauthenticated(_NOT_VALID)
        return kid

    def _claims(self, token: str, key: Any) -> Mapping[str, Any]:
        from jose import JOSEError, jwt

        # What `at_hash` is about is not here.
        options = {f"require_{claim}": True for claim in ("exp", "sub", "aud", "iss")}
        options |= {"verify_at_hash": False, "verify_jti": False, "leeway": _LEEWAY_SECONDS}
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options=options,
            )
        except (JOSEError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthenticated(_NOT_VALID) from error
        for moment in ("exp", "nbf"):
            value = claims.get(moment, 0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Unauthenticated(_NOT_VALID)
        return claims


def _identity(claims: Mapping[str, Any]) -> Identity:
    subject = _text(claims, "sub", _SUBJECT_LENGTH)
    if subject is None:
        raise Unauthenticated(_NOT_VALID)
    unproven = claims.get("email_verified") in (False, "false")
    return Identity(
        issuer=claims["iss"],
        subject=subject,
        username=_text(claims, "preferred_username", _TEXT_LENGTH),
        email=None if unproven else _text(claims, "email", _TEXT_LENGTH),
        name=_text(claims, "name", _TEXT_LENGTH),
    )


def _text(claims: Mapping[str, Any], name: str, length: int) -> str | None:
    """None for what is no text, or none that can be kept."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= length:
        return None
    try:
        check_storable(name, value)
    except Invalid:
        return None
    return value
