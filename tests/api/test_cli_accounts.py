"""`hansard user`, `hansard group` and what `hansard token` has learnt, beside a server that runs."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from api.app import create_app
from api.cli import app
from shared.db.database import Database
from shared.domain.accounts import Scope
from shared.domain.errors import HansardError
from shared.services import accounts, tokens
from tests.support.server import ROOT, Server
from tests.support.world import World


@dataclass(frozen=True, slots=True)
class Machine:
    """A database of its own, and the commands run in this process."""

    database: Database
    folder: Path

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        settings = {"HANSARD_DATABASE_URL": self.database.url, "COLUMNS": "200", "NO_COLOR": "1"}
        return CliRunner().invoke(app, [*arguments, "--data", str(self.folder)], input=answer, env=settings)

    def done(self, *arguments: str) -> str:
        ended = self.run(*arguments)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def refused(self, *arguments: str, answer: str | None = None) -> str:
        ended = self.run(*arguments, answer=answer)
        # `main` makes one line of it.
        assert isinstance(ended.exception, HansardError), ended.output
        assert ended.stdout.strip() == ""
        return str(ended.exception)

    def me(self, token: str) -> httpx2.Response:
        client = TestClient(create_app(World(self.database).core, auth="required"))
        return client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def machine(database: Database, tmp_path: Path) -> Machine:
    return Machine(database, tmp_path / "data")


def row(machine: Machine, what: str, name: str) -> list[str] | None:
    """The cells of a line of `hansard user list` or `hansard group list`."""
    lines = [line.split("\t") for line in machine.done(what, "list").splitlines()]
    assert len({len(cells) for cells in lines}) == 1
    return next((cells for cells in lines if cells[0] == name), None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["user"], ["list", "add", "change", "remove"]),
        (["user", "change"], ["--admin", "--no-admin", "--active", "--inactive", "--email", "--transcription-minutes"]),
        (["user", "remove"], ["--yes", "--data"]),
        (["group"], ["list", "add", "remove", "join", "leave"]),
        (["group", "join"], ["GROUP", "USER", "--admin"]),
        (["token"], ["--scopes", "--days", "--name"]),
    ],
)
def test_every_command_explains_itself(arguments: list[str], words: list[str]) -> None:
    ended = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert ended.exit_code == 0
    assert [word for word in words if word not in ended.stdout] == []


def test_the_life_of_a_user(machine: Machine) -> None:
    budgets = ("--transcription-minutes", "90", "--tokens", "5000")
    machine.done("user", "add", "carla", "--email", "carla@example.org", "--name", "Carla C.", *budgets)
    cells = ["carla", "user", "active", "carla@example.org", "Carla C.", "90", "5000", "", ""]
    assert row(machine, "user", "carla") == cells
    assert "already" in machine.refused("user", "add", "carla")
    token = machine.done("token", "carla").strip()
    assert machine.me(token).status_code == 200
    machine.done("user", "change", "carla", "--inactive", "--admin", "--transcription-minutes", "0")
    assert row(machine, "user", "carla") == ["carla", "admin", "inactive", *cells[3:5], "", "5000", "", ""]
    assert machine.me(token).status_code == 401
    machine.done("user", "change", "carla", "--active", "--no-admin", "--email", "")
    assert row(machine, "user", "carla") == ["carla", "user", "active", "", "Carla C.", "", "5000", "", ""]
    assert machine.me(token).status_code == 200
    machine.done("user", "remove", "carla", "--yes")
    assert row(machine, "user", "carla") is None
    assert machine.me(token).status_code == 401
    assert "no user" in machine.refused("user", "remove", "carla", "--yes")


def test_a_user_goes_with_all_audio_while_the_server_runs(secured_server: Server, silent_wav: Path) -> None:
    def hansard(*arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "api", *arguments, "--data", str(secured_server.data_dir)]
        ended = subprocess.run(
            command, cwd=ROOT, input=answer, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in ended.stderr
        return ended

    token = hansard("token", "dora").stdout.strip()
    with secured_server.client(headers={"Authorization": f"Bearer {token}"}) as client:
        files = {"file": ("dora.wav", silent_wav.read_bytes(), "audio/wav")}
        made = client.post("/api/v1/recordings/upload", files=files).json()
        objects = secured_server.data_dir / "objects"
        assert [path for path in objects.rglob("*") if made["uuid"] in path.name]
        for answer in ("n\n", "\n", ""):
            assert hansard("user", "remove", "dora", answer=answer).returncode == 1
        assert client.get("/api/v1/users/me").status_code == 200
        assert hansard("user", "remove", "dora", answer="y\n").returncode == 0
        assert [path for path in objects.rglob("*") if made["uuid"] in path.name] == []
        assert client.get("/api/v1/users/me").status_code == 401
    assert secured_server.answers()


def test_the_life_of_a_group(machine: Machine) -> None:
    for name in ("emil", "fritz"):
        machine.done("user", "add", name)
    machine.done("group", "add", "Sales team")
    machine.done("group", "join", "Sales team", "emil", "--admin")
    machine.done("group", "join", "Sales team", "fritz")
    assert row(machine, "group", "Sales team") == ["Sales team", "emil", "fritz"]
    found = row(machine, "user", "emil")
    assert found is not None
    assert found[7] == "Sales team"
    token = machine.done("token", "emil").strip()
    (membership,) = machine.me(token).json()["group_memberships"]
    assert (membership["group_name"], membership["role"]) == ("Sales team", "admin")
    machine.done("group", "leave", "Sales team", "fritz")
    assert row(machine, "group", "Sales team") == ["Sales team", "emil", ""]
    assert "does not belong" in machine.refused("group", "leave", "Sales team", "fritz")
    assert "Nothing is removed" in machine.refused("group", "remove", "Sales team", answer="\n")
    machine.done("group", "remove", "Sales team", "--yes")
    assert row(machine, "group", "Sales team") is None
    assert "no group" in machine.refused("group", "join", "Sales team", "emil")


def test_a_token_may_be_good_for_less_and_for_a_while(machine: Machine) -> None:
    token = machine.done("token", "gina", "--scopes", "read, account", "--days", "7", "--name", "laptop").strip()
    caller = accounts.authenticate(World(machine.database).core, token)
    assert caller.scopes == {Scope.READ, Scope.ACCOUNT}
    (shown,) = tokens.listed(World(machine.database).core, caller)
    assert shown.name == "laptop"
    assert shown.expires_at is not None
    assert timedelta(days=6.9) < shown.expires_at - datetime.now(UTC) <= timedelta(days=7)


def test_scopes_that_are_none_are_refused(machine: Machine) -> None:
    for scopes in ("", "read,fly", "READ"):
        assert "read, write, upload" in machine.refused("token", "gina", "--scopes", scopes)
