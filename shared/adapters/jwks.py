"""The public keys of an identity provider, fetched from its address (RFC 7517) and kept for hours."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from shared.adapters.jwt_identity import SMALLEST_BITS
from shared.domain.addresses import is_loopback
from shared.domain.errors import Invalid, Unauthenticated, Unavailable

logger = logging.getLogger("hansard.identity")

_TIMEOUT_SECONDS = 5.0
_LARGEST = 512 * 1024
#: How long keys are believed without a look at the address.
_FRESH_SECONDS = 6 * 3600.0
#: Anybody can send tokens that name keys which do not exist: the provider is asked at most this often.
_PAUSE_SECONDS = 60.0
#: As long as there is no key at all, nobody can come in.
_FIRST_PAUSE_SECONDS = 5.0
#: For another thread that asks the provider.
_WAIT_SECONDS = 2.0


class Jwks:
    """Calling it gives the key for a `kid`. Thread-safe: one thread asks the provider, the others go on with the keys
    that are there."""

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        """Raises Invalid for an address at which anybody between here and there could put in keys."""
        if urlsplit(url).scheme != "https" and not (urlsplit(url).scheme == "http" and is_loopback(url)):
            raise Invalid("HANSARD_JWKS_URL has to begin with https://.")
        self._url = url
        self._now = now
        self._lock = threading.Lock()
        self._keys: Mapping[str | None, Any] = {}
        self._fetched: float | None = None
        self._asked: float | None = None

    def __call__(self, kid: str | None) -> Any:
        """Raises Unauthenticated for a key that the provider does not have, Unavailable when there is none at all."""
        if not self._keys or not self._has(kid):
            self._ask_for(kid)
        elif self._stale() and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._key(kid)

    def _ask_for(self, kid: str | None) -> None:
        # A provider that hangs must not hold all who wait for it.
        if not self._lock.acquire(timeout=_WAIT_SECONDS):
            raise Unavailable("The identity provider does not answer.")
        try:
            # Perhaps somebody else has asked while this thread was waiting.
            if not self._keys or not self._has(kid):
                self._refresh()
        finally:
            self._lock.release()

    def _has(self, kid: str | None) -> bool:
        return kid in self._keys or (kid is None and len(self._keys) == 1)

    def _stale(self) -> bool:
        return self._fetched is None or self._now() - self._fetched >= _FRESH_SECONDS

    def _key(self, kid: str | None) -> Any:
        keys = self._keys
        if not keys:
            raise Unavailable("The keys of the identity provider cannot be had at the moment.")
        if kid is None and len(keys) == 1:
            return next(iter(keys.values()))
        if kid not in keys:
            raise Unauthenticated("The token is not valid here.")
        return keys[kid]

    def _refresh(self) -> None:
        """With the lock held. What goes wrong leaves the old keys."""
        pause = _PAUSE_SECONDS if self._keys else _FIRST_PAUSE_SECONDS
        if self._asked is not None and self._now() - self._asked < pause:
            return
        self._asked = self._now()
        try:
            self._keys = _parsed(_fetched(self._url))
            self._fetched = self._now()
        except Unavailable as error:
            logger.warning("The keys of the identity provider were not to be had: %s", error)


def _fetched(url: str) -> bytes:
    """Raises Unavailable."""
    import httpx2

    deadline = time.monotonic() + _TIMEOUT_SECONDS
    body = bytearray()
    try:
        with (
            httpx2.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                raise Unavailable(f"HTTP {response.status_code}.")
            for chunk in response.iter_bytes(65536):
                body += chunk
                if len(body) > _LARGEST:
                    raise Unavailable("The answer is too large.")
                if time.monotonic() > deadline:
                    raise Unavailable("The answer takes too long.")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(f"{type(error).__name__}.") from error
    return bytes(body)


def _parsed(body: bytes) -> dict[str | None, Any]:
    """The keys that RS256 tokens may be signed with. Raises Unavailable when there is none."""
    try:
        listed = json.loads(body)["keys"]
        keys = {each.get("kid"): _constructed(each) for each in listed if _is_for_signatures(each)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unavailable("The answer is no set of keys.") from error
    usable = {kid: key for kid, key in keys.items() if key is not None}
    if not usable:
        raise Unavailable("The answer has no RSA key for signatures.")
    return usable


def _is_for_signatures(key: Any) -> bool:
    return (
        isinstance(key, dict)
        and key.get("kty") == "RSA"
        and key.get("use", "sig") == "sig"
        and key.get("alg", "RS256") == "RS256"
        and isinstance(key.get("kid"), str | None)
        and isinstance(key.get("n"), str)
        and isinstance(key.get("e"), str)
    )


def _constructed(key: Mapping[str, Any]) -> Any:
    """None for a key that cannot be used."""
    from jose import JOSEError, jwk

    try:
        made: Any = jwk.construct({name: key[name] for name in ("kty", "n", "e")}, "RS256")
        return made if made.prepared_key.key_size >= SMALLEST_BITS else None
    except (JOSEError, ValueError, TypeError, KeyError) as error:
        logger.warning("A key of the identity provider cannot be used: %s", type(error).__name__)
        return None
