"""Secrets, against MiniStack's Parameter Store."""

from uuid import uuid4

import pytest

from shared.adapters import ssm_secrets
from shared.domain.errors import Unavailable
from tests.support.ministack import LocalAws, free_port


@pytest.fixture
def path(ministack: LocalAws) -> str:
    """Where nobody else keeps parameters."""
    return f"/hansard/{uuid4().hex}"


def put(ministack: LocalAws, name: str, value: str) -> None:
    ministack.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")


def read(ministack: LocalAws, path: str) -> dict[str, str]:
    return ssm_secrets.read(path, lambda: ministack.deployed_client("ssm"))


def test_parameters_are_found_by_the_last_part_of_their_names(ministack: LocalAws, path: str) -> None:
    put(ministack, f"{path}/database_url", "postgresql://ann:secret@db/hansard")
    put(ministack, f"{path}/secret", "ü" * 32)
    assert read(ministack, path) == {"database_url": "postgresql://ann:secret@db/hansard", "secret": "ü" * 32}


def test_parameters_of_others_are_left_alone(ministack: LocalAws, path: str) -> None:
    put(ministack, f"{path}/secret", "ours")
    put(ministack, f"{path}-staging/secret", "of another stage")
    put(ministack, f"{path}/deeper/secret", "of something else")
    assert read(ministack, path) == {"secret": "ours"}


def test_more_parameters_than_fit_into_one_answer_are_all_read(ministack: LocalAws, path: str) -> None:
    expected = {f"name_{number}": f"value {number}" for number in range(23)}
    for name, value in expected.items():
        put(ministack, f"{path}/{name}", value)
    assert read(ministack, path) == expected


def test_where_nothing_is_there_is_nothing_to_read(ministack: LocalAws, path: str) -> None:
    assert read(ministack, path) == {}


def test_a_parameter_store_that_is_away_is_unavailable() -> None:
    away = LocalAws(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="/hansard/prod"):
        read(away, "/hansard/prod")
