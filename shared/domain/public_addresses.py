"""Addresses of the public internet, and URLs to be called there: what users name must not lead into our network."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from shared.domain.addresses import host_in_url
from shared.domain.errors import Invalid

URL_LENGTH = 500

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_IPV6 = re.compile(r"[0-9a-f:.]+")
_NO_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by providers and their customers; also Tailscale, and metadata of some clouds
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays for 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
#: All that is handed out for hosts; outside are loopback, link-local, private, multicast, mapped and NAT64 addresses.
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_NO_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocols: Teredo, which carries IPv4, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries IPv4
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """Whether an address, as a resolver gives it, is one of the public internet. What is no address is not."""
    try:
        # A zone (`%eth0`) belongs to addresses of a link.
        found = ipaddress.ip_address("" if "%" in address else address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not any(found in network for network in _NO_IPV4)
    return found.is_global and found in _IPV6_PUBLIC and not any(found in network for network in _NO_IPV6)


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL taken apart. `host` is lower-case ASCII without brackets; `target` is what stands in the request line."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = host_in_url(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def destination(url: str) -> Destination:
    """What a URL leads to. Raises Invalid, with a sentence for whoever gave it; the sentence never repeats the URL."""
    if len(url) > URL_LENGTH:
        raise Invalid(f"The URL may have at most {URL_LENGTH} characters.")
    # Programs differ in what they make of these; a browser drops some and takes a backslash for a slash.
    if any(character <= " " or "\x7f" <= character <= "\xa0" or character == "\\" for character in url):
        raise Invalid("The URL may not contain spaces, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Invalid("The URL is not well formed.") from error
    if parts.scheme not in _PORTS:
        raise Invalid("The URL has to begin with https:// or http://.")
    if "@" in parts.netloc:
        raise Invalid("The URL may not contain a user name or password.")
    if port == 0:
        raise Invalid("Port 0 cannot be called.")
    return Destination(parts.scheme, _host(host, "[" in parts.netloc), port or _PORTS[parts.scheme], _target(parts))


def _host(host: str | None, bracketed: bool) -> str:
    if not host:
        raise Invalid("The URL needs a host.")
    if bracketed:
        if not _IPV6.fullmatch(host):
            raise Invalid("The URL names an IPv6 address that cannot be called.")
        return host
    try:
        ascii_host = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError as error:
        raise Invalid("The host in the URL is no name of a host.") from error
    if not _HOST.fullmatch(ascii_host):
        raise Invalid("The host in the URL is no name of a host.")
    return ascii_host


def _target(parts: SplitResult) -> str:
    try:
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    except UnicodeError as error:
        raise Invalid("The URL contains halves of characters (lone surrogates).") from error
    return f"{path}?{query}" if query else path
