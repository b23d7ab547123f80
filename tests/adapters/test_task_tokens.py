"""Task tokens: every way to make one up."""

import base64
import json
import time
from typing import Any

import pytest
from jose import jwt

from shared.adapters.task_tokens import JwtTaskTokens
from shared.domain.errors import Unauthenticated

SECRET = "a secret of the test"
TOKENS = JwtTaskTokens(SECRET)


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {"iss": "hansard", "sub": "worker", "aud": "job-7", "exp": int(time.time()) + 60, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.verify(token, 7)


def test_the_claims_of_these_tests_are_good_ones() -> None:
    TOKENS.verify(jwt.encode(_claims(), SECRET), 7)


@pytest.mark.parametrize("claim", ["exp", "sub", "aud", "iss"])
def test_a_claim_that_is_missing_is_refused(claim: str) -> None:
    _refused(jwt.encode(_claims(**{claim: None}), SECRET))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "job-77"},
        {"aud": []},
        {"aud": ["job-8"]},
        {"iss": "somebody"},
        {"exp": int(time.time()) - 10},
        {"exp": "tomorrow"},
        {"nbf": int(time.time()) + 3600},
        {"sub": 5},
    ],
)
def test_a_claim_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    _refused(jwt.encode(_claims(**changes), SECRET))


def test_another_secret_or_algorithm_is_refused() -> None:
    _refused(jwt.encode(_claims(), "another secret"))
    _refused(jwt.encode(_claims(), SECRET, algorithm="HS512"))
    _refused(jwt.encode(_claims(), ""))


def test_a_critical_header_that_nobody_knows_is_refused() -> None:
    _refused(jwt.encode(_claims(), SECRET, headers={"crit": ["exp"]}))
    _refused(jwt.encode(_claims(), SECRET, headers={"crit": []}))


def _part(data: Any) -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {},
        [],
        "alg",
        5,
        {"alg": None},
        {"alg": ["HS256"]},
        {"alg": {"a": 1}},
        "[" * 20_000,
        "\ud83d".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_header_that_was_made_up_is_refused(header: Any) -> None:
    for signature in ("", _part("x"), "!"):
        _refused(f"{_part(header)}.{_part(_claims())}.{signature}")


def test_a_token_whose_body_was_changed_is_refused() -> None:
    head, _, signature = jwt.encode(_claims(aud="job-8"), SECRET).split(".")
    _refused(f"{head}.{_part(_claims())}.{signature}")
