"""Tokens of an identity provider: every way to make one up, or to bend a good one."""

import hashlib
import hmac
import json
import logging
import time
from typing import Any

import pytest
from jose import jwt

from shared.adapters.jwt_identity import JwtIdentity, public_key, shared_secret
from shared.domain.errors import Invalid, Unauthenticated
from tests.support.identity import AUDIENCE, ISSUER, claims, made_up, part, private_pem, public_pem, signed

SECRET = "a secret of the test, and a long one at that"
BY_SECRET = JwtIdentity(shared_secret(SECRET), algorithm="HS256", issuer=ISSUER, audience=AUDIENCE)
BY_KEY = JwtIdentity(public_key(public_pem("one")), algorithm="RS256", issuer=ISSUER, audience=AUDIENCE)


def _refused(token: str, verifier: JwtIdentity = BY_SECRET) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        verifier.verify(token)
    assert str(refusal.value) == "The token is not valid here."


def test_a_good_token_says_who() -> None:
    said = {"preferred_username": "bob", "email": "bob@example.org", "email_verified": True, "name": "Bob B."}
    for verifier, token in ((BY_SECRET, jwt.encode(claims(**said), SECRET)), (BY_KEY, signed("one", **said))):
        found = verifier.verify(token)
        assert (found.issuer, found.subject, found.username) == (ISSUER, "42", "bob")
        assert (found.email, found.name) == ("bob@example.org", "Bob B.")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["else", AUDIENCE]},
        {"exp": lambda now: int(now) - 5},
        {"exp": lambda now: now + 60.5},
        {"nbf": lambda now: int(now) + 5},
        {"nbf": lambda now: int(now) - 5, "iat": int},
        # Identity tokens of a code flow carry these.
        {"at_hash": "abc", "nonce": "n", "azp": "hansard", "jti": 7},
    ],
)
def test_a_good_token_may_look_like_this(changes: dict[str, Any]) -> None:
    # Times are said when the test runs, which may be long after it was collected.
    said = {name: value(time.time()) if callable(value) else value for name, value in changes.items()}
    assert BY_SECRET.verify(jwt.encode(claims(**said), SECRET)).subject == "42"


@pytest.mark.parametrize("claim", ["exp", "sub", "aud", "iss"])
def test_a_claim_that_is_missing_is_refused(claim: str) -> None:
    _refused(jwt.encode(claims(**{claim: None}), SECRET))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "else"},
        {"aud": []},
        {"aud": ["else"]},
        {"aud": [AUDIENCE, 7]},
        {"aud": {AUDIENCE: 1}},
        {"aud": AUDIENCE + "2"},
        {"iss": "https://else.example.org"},
        {"iss": ISSUER + "/"},
        {"iss": [ISSUER]},
        {"exp": int(time.time()) - 60},
        {"exp": "tomorrow"},
        {"exp": str(int(time.time()) + 60)},
        {"exp": True},
        {"exp": [1]},
        {"exp": {}},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": int(time.time()) + 3600},
        {"nbf": "soon"},
        {"nbf": "1"},
        {"nbf": [0]},
        {"sub": 5},
        {"sub": ""},
        {"sub": "  "},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
        {"sub": "\ud800"},
        {"iat": [1]},
    ],
)
def test_a_claim_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    _refused(jwt.encode(claims(**changes), SECRET))


def test_what_cannot_be_kept_of_a_good_token_is_left_out() -> None:
    odd = {"preferred_username": 5, "email": "x" * 400, "name": "a\x00b"}
    found = BY_SECRET.verify(jwt.encode(claims(**odd), SECRET))
    assert (found.username, found.email, found.name) == (None, None, None)


@pytest.mark.parametrize("verified", [False, "false"])
def test_an_address_that_nobody_has_proven_is_left_out(verified: object) -> None:
    said = {"email": "ceo@example.org", "email_verified": verified}
    assert BY_SECRET.verify(jwt.encode(claims(**said), SECRET)).email is None


def test_another_secret_or_algorithm_is_refused() -> None:
    _refused(jwt.encode(claims(), "another secret"))
    _refused(jwt.encode(claims(), SECRET, algorithm="HS512"))
    _refused(jwt.encode(claims(), ""))
    _refused(signed("one"))
    _refused(signed("two", kid="one"), BY_KEY)


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    """The classic: what everybody knows as the key of RS256 is taken for the secret of HS256."""
    for secret in (public_pem("one"), public_pem("one").strip(), private_pem("one")):
        head, body = part({"alg": "HS256", "typ": "JWT"}), part(claims())
        signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        _refused(made_up({"alg": "HS256", "typ": "JWT"}, signature=signature), BY_KEY)
    _refused(jwt.encode(claims(), SECRET), BY_KEY)


def test_other_algorithms_of_the_same_key_are_refused() -> None:
    _refused(jwt.encode(claims(), private_pem("one"), algorithm="RS512"), BY_KEY)


@pytest.mark.parametrize("critical", [["exp"], [], None, "exp", ["b64"]])
def test_a_critical_header_is_refused(critical: object) -> None:
    _refused(jwt.encode(claims(), SECRET, headers={"crit": critical}))


def test_a_key_that_a_token_brings_with_it_is_not_used() -> None:
    from tests.support.identity import as_jwk

    token = jwt.encode(claims(), private_pem("two"), algorithm="RS256", headers={"jwk": as_jwk("two"), "kid": "two"})
    _refused(token, BY_KEY)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": ""},
        {},
        [],
        "alg",
        5,
        {"alg": None},
        {"alg": ["HS256"]},
        {"alg": {"a": 1}},
        {"alg": "HS256", "kid": 7},
        {"alg": "HS256", "kid": ["x"]},
        "[" * 5_000,
        "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
@pytest.mark.parametrize("verifier", [BY_SECRET, BY_KEY])
def test_a_header_that_was_made_up_is_refused(header: Any, verifier: JwtIdentity) -> None:
    for signature in ("", part("x"), "!"):
        _refused(made_up(header, signature=signature), verifier)


@pytest.mark.parametrize("token", ["", "..", "a.b.c", "é.é.é", "\ud800.a.b", ".".join("x" * 9_000 for _ in range(3))])
def test_what_is_no_token_is_refused(token: str) -> None:
    _refused(token)


@pytest.mark.parametrize("body", ["[]", "5", "null", "{", "[" * 5_000, '{"exp": ' + "9" * 400 + "}"])
def test_a_signed_body_that_is_no_set_of_claims_is_refused(body: str) -> None:
    head = part({"alg": "HS256"})
    signature = hmac.new(SECRET.encode(), f"{head}.{part(body)}".encode(), hashlib.sha256).digest()
    _refused(made_up({"alg": "HS256"}, body, signature))


def test_a_token_whose_body_was_changed_is_refused() -> None:
    head, _, signature = jwt.encode(claims(), SECRET).split(".")
    _refused(f"{head}.{part(claims(sub='43'))}.{signature}")


@pytest.mark.parametrize("secret", [public_pem("one"), private_pem("one"), "ssh-rsa AAAA"])
def test_a_key_is_no_secret(secret: str) -> None:
    with pytest.raises(Invalid):
        shared_secret(secret)


@pytest.mark.parametrize("secret", ["12345", '["a"]', '{"kty": "oct", "k": "AAAA"}', "null"])
def test_a_secret_that_looks_like_json_is_a_secret(secret: str) -> None:
    verifier = JwtIdentity(shared_secret(secret), algorithm="HS256", issuer=ISSUER, audience=AUDIENCE)
    head, body = part({"alg": "HS256"}), part(claims())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert verifier.verify(made_up({"alg": "HS256"}, json.loads(json.dumps(claims())), signature)).subject == "42"
    _refused(jwt.encode(claims(), "AAAA"), verifier)


def _elliptic() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----",
        private_pem("one"),
        public_pem("weak", 1024),
        _elliptic(),
    ],
)
def test_only_a_public_rsa_key_will_do(pem: str) -> None:
    with pytest.raises(Invalid) as refusal:
        public_key(pem)
    assert "BEGIN" not in str(refusal.value)


def test_a_key_on_one_line_is_read() -> None:
    key = public_key(public_pem("one").replace("\n", "\\n"))
    assert JwtIdentity(key, algorithm="RS256", issuer=ISSUER, audience=AUDIENCE).verify(signed("one")).subject == "42"


def test_neither_token_nor_secret_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    good = jwt.encode(claims(), SECRET)
    BY_SECRET.verify(good)
    for bad in (f"{good}x", jwt.encode(claims(exp=1), SECRET), jwt.encode(claims(), "else")):
        _refused(bad)
    assert [text for text in (SECRET, good, good.split(".")[1]) if text in caplog.text] == []
