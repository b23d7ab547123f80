"""Addresses on the network: how they are written, and which of them lead to this machine only."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether the host in `url` (`http://…`, or `//…` without a scheme) is this machine, seen from itself."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_in_url(host: str) -> str:
    """A host as a URL has it: IPv6 addresses stand in brackets."""
    return f"[{host}]" if ":" in host else host
