"""Counting requests, and refusing those beyond the limit."""

from shared.db import rate_limits
from shared.domain.accounts import Caller
from shared.domain.errors import RateLimited
from shared.domain.rate_limits import Kind, Standing, neighbourhood
from shared.services.core import Core


def name_of(caller: Caller) -> str:
    """What a caller is counted as: each API token by itself, else the user."""
    return f"user:{caller.user_id}" if caller.token_id is None else f"token:{caller.token_id}"


def name_of_address(address: str) -> str:
    """What somebody is counted as who has shown no credential, or none that is good."""
    return f"address:{neighbourhood(address)}"


def count(core: Core, name: str, kind: Kind) -> Standing:
    """Counts one request, also one that is beyond the limit."""
    now = core.now()
    with core.db.begin() as tx:
        return rate_limits.count(tx, name, kind, now)


def check(standing: Standing) -> None:
    """Raises RateLimited."""
    if standing.exceeded:
        raise RateLimited(f"At most {standing.limit} {standing.kind} requests a minute are taken; try again later.")
