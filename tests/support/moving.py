"""A move from a Speakr into a World."""

from typing import Any

from shared.adapters.speakr_client import SpeakrClient
from shared.domain.imports import Kind, Outcome, Step
from shared.services import imports
from shared.services.imports import Target
from tests.support.speakr_server import TOKEN, SpeakrServer
from tests.support.world import World


class Moving:
    """A Speakr, a World that takes its recordings in, and how long the import would have waited."""

    def __init__(self, world: World, speakr: SpeakrServer) -> None:
        self.world, self.speakr = world, speakr
        self.slept: list[float] = []
        self.target = Target(world.db, world.store, world.clock)

    def client(self, token: str = TOKEN) -> SpeakrClient:
        return SpeakrClient(self.speakr.url, token, sleep=self.slept.append)

    def run(self) -> list[Step]:
        client = self.client()
        try:
            return list(imports.bring(self.target, client, self.world.ann.user_id, imports.look(client)))
        finally:
            client.close()

    def outcomes(self) -> list[tuple[str, Outcome]]:
        return [(step.name, step.outcome) for step in self.run() if step.kind is Kind.RECORDING]

    def only(self) -> Any:
        rows = self.world.rows("SELECT * FROM recordings")
        assert len(rows) == 1
        return rows[0]

    def said(self) -> list[tuple[str, int | None, float, float]]:
        rows = self.world.rows("SELECT * FROM segments ORDER BY position")
        return [(row.text, row.speaker, row.start, row.end) for row in rows]

    def check_whole(self) -> None:
        """Every row has its object, and every object a row or an end."""
        held = {row.audio_key for row in self.world.rows("SELECT audio_key FROM recordings WHERE sha256 IS NOT NULL")}
        due = {row.key for row in self.world.rows("SELECT key FROM object_deletions")}
        assert held <= set(self.world.store.objects)
        assert set(self.world.store.objects) <= held | due
        assert not held & due
