"""The keys of an identity provider: fetched, kept, exchanged, and not to be had."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jose import jwt

from shared.adapters.jwks import Jwks
from shared.adapters.jwt_identity import JwtIdentity
from shared.domain.errors import HansardError, Invalid, Unauthenticated, Unavailable
from tests.support.identity import AUDIENCE, ISSUER, Provider, as_jwk, claims, private_pem, provider, signed


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def one() -> Iterator[Provider]:
    with provider(as_jwk("one")) as serving:
        yield serving


def verifier(serving: Provider, now: Any = time.monotonic) -> JwtIdentity:
    return JwtIdentity(Jwks(serving.url, now), algorithm="RS256", issuer=ISSUER, audience=AUDIENCE)


def refused(checking: JwtIdentity, token: str, error: type[HansardError] = Unauthenticated) -> None:
    with pytest.raises(error):
        checking.verify(token)


def test_the_keys_are_fetched_once(one: Provider) -> None:
    checking = verifier(one)
    assert one.asked == 0
    for _ in range(3):
        assert checking.verify(signed("one")).subject == "42"
    assert one.asked == 1


def test_a_new_key_is_found_and_an_old_one_is_forgotten(one: Provider) -> None:
    now = Time()
    checking = verifier(one, now)
    checking.verify(signed("one"))
    one.keys = [as_jwk("two")]
    now.seconds += 61
    checking.verify(signed("two"))
    refused(checking, signed("one"))
    assert one.asked == 2


def test_unknown_keys_make_nobody_ask_more_than_once_a_minute(one: Provider) -> None:
    now = Time()
    checking = verifier(one, now)
    checking.verify(signed("one"))
    for number in range(20):
        refused(checking, signed("two", kid=f"made up {number}"))
        now.seconds += 2
    assert one.asked == 1
    now.seconds += 20
    for number in range(20):
        refused(checking, signed("two", kid=f"made up {number}"))
    assert one.asked == 2
    checking.verify(signed("one"))


def test_keys_are_looked_at_again_after_hours(one: Provider) -> None:
    now = Time()
    checking = verifier(one, now)
    checking.verify(signed("one"))
    now.seconds += 6 * 3600 - 1
    checking.verify(signed("one"))
    assert one.asked == 1
    one.keys = [as_jwk("two")]
    now.seconds += 1
    refused(checking, signed("one"))
    assert one.asked == 2


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (500, None),
        (404, None),
        (302, None),
        (200, b""),
        (200, b"no json"),
        (200, b"[" * 100_000),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"keys": 5}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [5, null, {}]}'),
        (200, b'{"keys": [{"kty": "RSA", "kid": "one", "n": "!", "e": 5}]}'),
        (200, b'{"keys": [{"kty": "RSA", "kid": "one", "n": "\xc3\xa9", "e": "AQAB"}]}'),
        (200, b" " * 2_000_000),
    ],
)
def test_a_refresh_that_fails_keeps_the_old_keys(one: Provider, status: int, raw: bytes | None) -> None:
    now = Time()
    checking = verifier(one, now)
    checking.verify(signed("one"))
    one.status, one.raw, one.headers = status, raw, {"Location": "/else"}
    now.seconds += 7 * 3600
    for _ in range(3):
        checking.verify(signed("one"))
    assert one.asked == 2
    one.status, one.raw = 200, None
    one.keys = [as_jwk("two")]
    now.seconds += 61
    refused(checking, signed("one"))


def test_without_any_key_nobody_can_say_who_it_is(one: Provider) -> None:
    now = Time()
    checking = verifier(one, now)
    one.status = 503
    for _ in range(3):
        refused(checking, signed("one"), Unavailable)
    assert one.asked == 1
    one.status = 200
    now.seconds += 6
    checking.verify(signed("one"))


def test_a_provider_that_is_not_there_is_told() -> None:
    with provider(as_jwk("one")) as serving:
        pass
    refused(verifier(serving), signed("one"), Unavailable)


@pytest.mark.parametrize(
    "key",
    [
        as_jwk("one", use="enc"),
        as_jwk("one", alg="RS512"),
        as_jwk("one", alg="HS256"),
        as_jwk("one", kid=7),
        as_jwk("one", kty="oct", k="AAAA"),
        as_jwk("weak", 1024, kid="one"),
    ],
)
def test_a_key_for_something_else_is_not_used(one: Provider, key: dict[str, Any]) -> None:
    one.keys = [key, as_jwk("two")]
    checking = verifier(one)
    refused(checking, signed("one"))
    checking.verify(signed("two"))


def test_a_key_that_is_broken_leaves_the_others(one: Provider) -> None:
    one.keys = [as_jwk("one", n="AA"), {"kty": "EC"}, as_jwk("two")]
    verifier(one).verify(signed("two"))


def test_a_token_without_the_name_of_a_key_needs_one_that_is_alone(one: Provider) -> None:
    checking = verifier(one)
    checking.verify(signed("one", kid=None))
    one.keys = [as_jwk("one"), as_jwk("two")]
    refused(verifier(one), signed("one", kid=None))


def test_the_name_of_one_key_on_a_token_of_another_is_refused(one: Provider) -> None:
    one.keys = [as_jwk("one"), as_jwk("two")]
    refused(verifier(one), signed("two", kid="one"))


def test_a_token_names_no_address_for_its_key(one: Provider) -> None:
    with provider(as_jwk("two")) as evil:
        headers = {"jku": evil.url, "x5u": evil.url, "kid": "two"}
        token = jwt.encode(claims(), private_pem("two"), algorithm="RS256", headers=headers)
        refused(verifier(one), token)
        assert evil.asked == 0


def test_many_first_tokens_at_once_ask_once(one: Provider) -> None:
    checking, token, found = verifier(one), signed("one"), []
    threads = [threading.Thread(target=lambda: found.append(checking.verify(token).subject)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["42"] * 10
    assert one.asked == 1


@pytest.mark.parametrize(
    "url", ["http://login.example.org/jwks", "http://192.0.2.1/jwks", "ftp://x/", "file:///etc/passwd", "jwks", ""]
)
def test_keys_come_by_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(Invalid):
        Jwks(url)
    Jwks("https://login.example.org/jwks")


def test_the_log_tells_of_failures_and_of_no_token(one: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one.status = 500
    token = signed("one")
    refused(verifier(one), token, Unavailable)
    assert "HTTP 500" in caplog.text
    assert token not in caplog.text
    assert token.split(".")[1] not in caplog.text
