"""Requests counted before anybody knows who calls: by address. And headers that an answer gets, whoever makes it."""

from starlette.requests import HTTPConnection

from shared.domain.rate_limits import Kind, Standing, client_address
from shared.services import rate_limits
from shared.services.core import Core

#: In the scope of a request: headers of its answer, also when that is an error. See `AnswerHeaders` in middleware.py.
ANSWER_HEADERS = "hansard.answer_headers"


def say(connection: HTTPConnection, **headers: object) -> None:
    """Puts headers on the answer to come; `Retry_After` becomes Retry-After."""
    said = connection.scope.setdefault(ANSWER_HEADERS, {})
    said.update({name.replace("_", "-"): str(value) for name, value in headers.items()})


def address_of(connection: HTTPConnection) -> str:
    """The client's, behind as many proxies as the operator has named."""
    peer = connection.client.host if connection.client is not None else "unknown"
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))
    return client_address(peer, forwarded, getattr(connection.app.state, "proxy_hops", 0))


def count(connection: HTTPConnection, core: Core, name: str, kind: Kind) -> None:
    """Counts a request and tells the client where it stands. Raises RateLimited beyond the limit."""
    standing = rate_limits.count(core, name, kind)
    _tell(connection, core, standing)
    rate_limits.check(standing)


def count_refusal(connection: HTTPConnection) -> None:
    """Counts a request whose credentials are no good. Raises RateLimited beyond the limit."""
    core: Core = connection.app.state.core
    if core.policy.rate_limits:
        count(connection, core, rate_limits.name_of_address(address_of(connection)), Kind.REFUSED)


def _tell(connection: HTTPConnection, core: Core, standing: Standing) -> None:
    say(
        connection,
        X_RateLimit_Limit=standing.limit,
        X_RateLimit_Remaining=standing.remaining,
        X_RateLimit_Reset=standing.resets_at,
    )
    if standing.exceeded:
        say(connection, Retry_After=standing.seconds_left(core.now()))
