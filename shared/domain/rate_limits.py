"""How often a caller may ask for what: classes of requests, their limits per minute, and where a caller stands."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from math import ceil

WINDOW = timedelta(minutes=1)


class Kind(StrEnum):
    """The class of a request. `REFUSED` are those whose credentials were no good."""

    STATS = "stats"
    READ = "read"
    WRITE = "write"
    PROCESS = "process"
    BATCH = "batch"
    UPLOAD = "upload"
    REFUSED = "refused"


#: Requests per window.
LIMITS = {
    Kind.STATS: 60,
    Kind.READ: 100,
    Kind.WRITE: 30,
    Kind.PROCESS: 10,
    Kind.BATCH: 10,
    # Importers send many files in a row: they are not to be slowed down like heavy work.
    Kind.UPLOAD: 60,
    Kind.REFUSED: 30,
}

#: Methods, addresses as the routes have them, and the class; the first line that fits counts. None: not counted.
_TABLE: tuple[tuple[str, str, Kind | None], ...] = (
    # Clients ask these every few seconds while a recording is at work.
    ("GET|HEAD", r".*/(status|job-queue-status)", None),
    ("GET|HEAD", r"(/api/v1)?/stats", Kind.STATS),
    ("GET|HEAD", r".*", Kind.READ),
    (".*", r".*/recordings/upload|/uploads(/.*)?", Kind.UPLOAD),
    (".*", r".*/batch(/.*)?", Kind.BATCH),
    ("POST", r".*/(transcribe|summarize|regenerate_title|chat|identify)", Kind.PROCESS),
    (".*", r".*", Kind.WRITE),
)


@lru_cache(maxsize=1024)
def kind_of(method: str, template: str) -> Kind | None:
    """The class of a request to a route; None where requests are not counted."""
    for methods, addresses, kind in _TABLE:
        if re.fullmatch(methods, method) and re.fullmatch(addresses, template):
            return kind
    raise AssertionError("the last line fits everything")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands: request number `count` of a window that began at `since`."""

    kind: Kind
    since: datetime
    count: int

    @property
    def limit(self) -> int:
        return LIMITS[self.kind]

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.count)

    @property
    def exceeded(self) -> bool:
        return self.count > self.limit

    @property
    def resets_at(self) -> int:
        """Unix seconds at which the window is over."""
        return ceil((self.since + WINDOW).timestamp())

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds to wait, at least 1."""
        return max(1, ceil((self.since + WINDOW - now).total_seconds()))


def neighbourhood(address: str) -> str:
    """What to count an address as: an IPv6 client has a whole /64 to choose its addresses from."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def client_address(peer: str, forwarded: str, hops: int) -> str:
    """The client's address behind `hops` proxies, each of which adds its peer to X-Forwarded-For (`forwarded`).

    What stands further left was said by the client itself, so it is never believed. A list that is shorter than the
    proxies would have made it did not come through them: then the peer counts.
    """
    added = [part.strip() for part in forwarded.split(",")] if forwarded else []
    return added[-hops] or peer if 0 < hops <= len(added) else peer
