"""A server that takes the tokens of an identity provider."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jose import jwt

from tests.support.identity import AUDIENCE, ISSUER, as_jwk, claims, provider, signed
from tests.support.live import open_live
from tests.support.server import Server

ME = "/api/v1/users/me"


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with provider(as_jwk("one")) as keys:
        settings = {"jwks_url": keys.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
        with Server(tmp_path_factory.mktemp("trusting") / "data", auth="required", **settings) as running:
            yield running
    assert "Traceback" not in running.logged()


def test_a_token_of_the_provider_is_taken_in_every_place(trusting: Server) -> None:
    token = signed("one", preferred_username="bob", email="bob@example.org", name="Bob B.")
    places = ({"Authorization": f"bearer {token}"}, {"X-API-Token": token}, {"API-Token": token})
    with trusting.client() as client:
        answers = [client.get(ME, headers=headers) for headers in places]
        answers.append(client.get(ME, params={"token": token}))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    said = answers[0].json()
    assert (said["username"], said["email"], said["email_verified"]) == ("bob", "bob@example.org", True)
    assert (said["sso_provider"], said["is_admin"]) == ("login.example.org", False)
    with open_live(trusting, "00000000-0000-4000-8000-000000000000", f"?token={token}") as socket:
        assert "not_found" in str(socket.recv(timeout=10))


def test_a_user_of_the_provider_makes_tokens_that_stay(trusting: Server) -> None:
    with trusting.client() as client:
        made = client.post("/api/tokens", headers={"Authorization": f"Bearer {signed('one', sub='7')}"}, json={})
        assert made.status_code == 201
        assert client.get(ME, headers={"X-API-Token": made.json()["token"]}).json()["username"] == "7"


def test_everything_else_is_refused_and_nothing_of_it_is_logged(trusting: Server) -> None:
    wrong = [
        signed("two"),
        signed("two", kid="one"),
        signed("one", aud="else"),
        signed("one", exp=1),
        jwt.encode(claims(), "secret"),
        "a.b.c",
        "..",
    ]
    with trusting.client() as client:
        for token in wrong:
            answer = client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
            assert answer.headers["www-authenticate"] == "Bearer"
    assert [token for token in wrong[:5] if token in trusting.logged() or token[:60] in trusting.logged()] == []


def test_settings_that_contradict_keep_a_server_from_starting(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="HANSARD_JWT_ISSUER"):
        Server(tmp_path / "data", auth="required", jwt_secret="s" * 40).start()
