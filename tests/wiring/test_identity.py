"""Which identity provider the settings mean."""

from typing import Any

import pytest

from shared.domain.errors import Invalid
from shared.wiring.identity import identity
from shared.wiring.settings import Settings
from tests.support.identity import AUDIENCE, ISSUER, claims, public_pem, signed

SECRET = "a secret of the test, and a long one at that"
WHO: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}


def test_without_a_key_there_is_no_provider() -> None:
    assert identity(Settings()) is None
    assert identity(Settings(**WHO)) is None


def test_each_kind_of_key_will_do() -> None:
    from jose import jwt

    by_secret = identity(Settings(**WHO, jwt_secret=SECRET))
    by_key = identity(Settings(**WHO, jwt_public_key=public_pem("one")))
    assert by_secret is not None
    assert by_key is not None
    assert by_secret.verify(jwt.encode(claims(), SECRET)).subject == "42"
    assert by_key.verify(signed("one")).subject == "42"
    assert identity(Settings(**WHO, jwks_url="https://login.example.org/jwks")) is not None


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({**WHO, "jwt_secret": SECRET, "jwks_url": "https://x/jwks"}, "only one"),
        ({**WHO, "jwt_secret": SECRET, "jwt_public_key": public_pem("one")}, "only one"),
        ({"jwt_secret": SECRET}, "HANSARD_JWT_ISSUER"),
        ({"jwt_secret": SECRET, "jwt_issuer": ISSUER}, "HANSARD_JWT_AUDIENCE"),
        ({"jwks_url": "https://x/jwks", "jwt_audience": AUDIENCE}, "HANSARD_JWT_ISSUER"),
        ({**WHO, "jwks_url": "http://example.org/jwks"}, "HANSARD_JWKS_URL"),
        ({**WHO, "jwt_public_key": "nonsense"}, "HANSARD_JWT_PUBLIC_KEY"),
        ({**WHO, "jwt_secret": public_pem("one")}, "HANSARD_JWT_SECRET"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, str], word: str) -> None:
    with pytest.raises(Invalid, match=word) as refusal:
        identity(Settings(**settings))  # type: ignore[arg-type]
    assert SECRET not in str(refusal.value)


def test_a_secret_that_is_short_is_told_but_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    identity(Settings(**WHO, jwt_secret="opensesame"))
    assert "HANSARD_JWT_SECRET is shorter" in caplog.text
    assert "opensesame" not in caplog.text
