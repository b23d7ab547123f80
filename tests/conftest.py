"""What tests of several folders share: a server that runs, and a database that is real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.db.database import Database
from shared.db.migrations import migrate
from tests.support.live import Watched, watch
from tests.support.ministack import LocalAws, running_ministack
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
def ministack() -> Iterator[LocalAws]:
    """AWS on the loopback that all tests share: each makes buckets and queues of its own."""
    with running_ministack() as running:
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database server."""
    embedded = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    yield embedded.start()
    embedded.stop()


@pytest.fixture(scope="session")
def admin(postgres: str) -> Iterator[Engine]:
    """Makes and drops databases; one, `migrated`, is at the newest schema."""
    engine = create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # Nothing here has to outlive a crash of the machine; where that matters, tests start a server of their own.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text("CREATE DATABASE migrated"))
    db = Database(postgres.replace("/postgres?", "/migrated?"))
    migrate(db)
    db.close()
    yield engine
    engine.dispose()


@pytest.fixture
def database(postgres: str, admin: Engine, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database at the newest schema."""
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE migrated"))
    db = Database(postgres.replace("/postgres?", f"/{name}?"))
    yield db
    db.close()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
