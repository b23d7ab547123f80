"""What a refused request must not leave behind: rows and files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.server import Server
from tests.support.waiting import until


def files(server: Server) -> set[Path]:
    """Every file of the object store, finished or not."""
    return {path for path in (server.data_dir / "objects").rglob("*") if path.is_file()}


def state(server: Server, headers: dict[str, str] | None = None) -> tuple[set[Path], int]:
    with server.client(headers=headers) as client:
        total = client.get("/api/v1/recordings").json()["pagination"]["total"]
    return files(server), total


@contextmanager
def nothing_left(server: Server, headers: dict[str, str] | None = None) -> Iterator[None]:
    """Afterwards there are as many recordings as before, and the same files."""
    before = state(server, headers)
    yield
    eventually(lambda: state(server, headers), before)


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 10) -> None:
    """What a broken connection leaves is tidied up when the server notices."""
    until(lambda: look() == wanted, seconds, told=lambda: f"{look()} is not {wanted}")
