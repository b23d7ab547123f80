"""A look into the database of a server that runs, past everything the server says of itself."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]


class Ledger:
    """Reads the embedded Postgres of a data directory; each question has a connection of its own."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "postgres"

    def postmaster(self) -> int:
        return int((self._folder / "postmaster.pid").read_text().split("\n", 1)[0])

    def rows(self, query: str, *values: object) -> list[Row]:
        sockets = (self._folder / "postmaster.pid").read_text().splitlines()[4]
        with psycopg.connect(host=sockets, user="postgres", dbname="postgres", row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def events(self, recording_id: int) -> list[Row]:
        return self.rows("SELECT seq, kind, data, at FROM events WHERE recording_id = %s ORDER BY seq", recording_id)

    def kinds(self, recording_id: int) -> list[str]:
        return [event["kind"] for event in self.events(recording_id)]

    def job(self, recording_id: int) -> Row:
        """The latest job of a recording."""
        return self.rows("SELECT * FROM jobs WHERE recording_id = %s ORDER BY id DESC LIMIT 1", recording_id)[0]

    def audio_keys(self) -> set[str]:
        return {row["audio_key"] for row in self.rows("SELECT audio_key FROM recordings")}
