"""What tests of several folders share: a server that runs, and a database that is real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.db.database import Database
from shared.db.migrations import migrate
from tests.support.live import Watched, watch
from tests.support.server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write the snapshots anew instead of comparing.")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without accounts that all tests share: tests look only at what they made."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running
    assert "Traceback" not in running.logged()


@pytest.fixture(scope="session")
def secured_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants API tokens."""
    with Server(tmp_path_factory.mktemp("secured"), auth="required") as running:
        yield running
    assert "Traceback" not in running.logged()


@pytest.fixture(scope="session")
def meeting(server: Server) -> Watched:
    """The sample meeting, uploaded and watched until it was done: the one full recognition that all tests share."""
    uploaded = server.upload(language="en", notes="Weekly", meeting_date="2026-03-02T09:00:00+02:00")
    return watch(server, uploaded)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database server."""
    embedded = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    yield embedded.start()
    embedded.stop()


@pytest.fixture
def database(postgres: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database at the newest schema."""
    from sqlalchemy import create_engine, text

    name = f"test_{abs(hash(request.node.nodeid)):x}"
    admin = create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    db = Database(postgres.replace("/postgres?", f"/{name}?"))
    migrate(db)
    yield db
    db.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
