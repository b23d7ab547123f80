"""Per-task tokens as JWTs. The only place that touches python-jose, and its gaps are closed here.

python-jose accepts a token without the audience that was asked for, and headers marked critical that it does not
know: both are refused, the algorithm is fixed, and `exp`, `sub`, `aud` and `iss` must be there.
"""

import time

from shared.domain.errors import Unauthenticated

_ALGORITHM = "HS256"
_ISSUER = "hansard"


class JwtTaskTokens:
    """`secret` signs and verifies; it never leaves the web side."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def issue(self, job_id: int, *, seconds: int) -> str:
        from jose import jwt

        claims = {"iss": _ISSUER, "sub": "worker", "aud": _audience(job_id), "exp": int(time.time()) + seconds}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def verify(self, token: str, job_id: int) -> None:
        from jose import JWTError, jwt

        required = {f"require_{claim}": True for claim in ("exp", "sub", "aud", "iss")}
        try:
            if "crit" in jwt.get_unverified_header(token):
                raise Unauthenticated("The token asks for something this server does not know.")
            jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_audience(job_id),
                issuer=_ISSUER,
                options=required,
            )
        except JWTError as error:
            raise Unauthenticated("The token is not valid for this job.") from error


def _audience(job_id: int) -> str:
    return f"job-{job_id}"
