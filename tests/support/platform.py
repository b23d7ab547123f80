"""A server that is killed and comes back, with all that has to be looked at to say that nothing was lost."""

import json
import os
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psutil
from websockets.exceptions import WebSocketException

from shared.dialects.saled import events as phrase
from shared.domain.events import RECORDING_CREATED, Event
from tests.support.ledger import Ledger
from tests.support.live import open_live
from tests.support.server import Server
from tests.support.slow_model import SlowModel
from tests.support.waiting import until


class Platform:
    """`model` writes the summaries, so that a test can stop the work there."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.model = SlowModel()
        self._mark = uuid4().hex
        self.server = Server(
            data_dir, llm_url=self.model.url, llm_model="slow", llm_key="none", test_mark=self._mark, **settings
        )
        self.ledger = Ledger(data_dir)

    def close(self) -> None:
        self.server.stop()
        self.model.close()

    def processes(self) -> list[psutil.Process]:
        """Every process that descends from this server, also when the server is gone; not Postgres."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("HANSARD_TEST_MARK") == self._mark
                if ours and process.name() != "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def workers(self) -> list[psutil.Process]:
        """The leading processes of jobs. (What they start is called as they are until it has become itself.)"""
        return [each for each in self.processes() if "api.worker" in _command(each) and _leads(each)]

    def helpers(self) -> list[psutil.Process]:
        """The processes of pools."""
        return [process for process in self.processes() if "spawn_main" in _command(process)]

    def kill_server(self) -> None:
        """kill -9; its workers have to end by themselves."""
        self.server.kill()
        until(lambda: not self.processes(), told=lambda: f"still there: {self.processes()}")

    def get(self, recording_id: int, what: str = "") -> httpx2.Response:
        with self.server.client() as client:
            return client.get(f"/api/v1/recordings/{recording_id}{what}")

    def segments(self, recording_id: int) -> list[dict[str, Any]]:
        return self.get(recording_id, "/transcript").json()["segments"]

    def leftovers(self) -> set[str]:
        """Files of uploads that no recording knows."""
        objects = self.server.data_dir / "objects"
        stored = {str(file.relative_to(objects / "files")) for file in (objects / "files").rglob("*") if file.is_file()}
        return (stored ^ self.ledger.audio_keys()) | {file.name for file in (objects / "incoming").iterdir()}

    def check_whole(self, recording_id: int, expected: list[dict[str, Any]]) -> None:
        """The job has ended as if nothing had happened."""
        events = self.ledger.events(recording_id)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        told = [event["data"]["position"] for event in events if event["kind"] == "transcript.segment"]
        assert told == list(range(len(expected)))
        assert [event["kind"] for event in events].count("job.completed") == 1
        assert self.segments(recording_id) == expected
        assert self.leftovers() == set()
        until(lambda: not self.workers() and not self.helpers(), told=self.processes)


def _leads(process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == process.pid
    except ProcessLookupError:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


class FaithfulClient:
    """Watches a recording, and comes back with the last `seq` it saw whenever the connection breaks."""

    def __init__(self, server: Server, uuid: str) -> None:
        self.seen: list[int] = []
        self.breaks = 0
        self._server = server
        self._uuid = uuid
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until the server has said that there is no more."""
        self._thread.join(60)
        assert not self._thread.is_alive(), self.seen

    def check_saw_all(self, ledger: Ledger, recording_id: int) -> None:
        self.wait()
        events = [
            Event(recording_id, row["seq"], row["kind"], row["data"], row["at"]) for row in ledger.events(recording_id)
        ]
        expected = [event.seq for event in events if event.kind != RECORDING_CREATED and phrase.message(event)]
        assert self.seen == expected, f"{self.seen} is not {expected}"

    def _watch(self) -> None:
        done = False
        while not done:
            try:
                done = self._listen()
            except (OSError, WebSocketException, TimeoutError):
                self.breaks += 1
                threading.Event().wait(0.1)

    def _listen(self) -> bool:
        """Whether the story was told to its end."""
        after = f"?after={self.seen[-1]}" if self.seen else ""
        with open_live(self._server, self._uuid, after, open_timeout=5) as socket:
            while True:
                message = json.loads(socket.recv(timeout=60))
                self.seen.append(message["seq"])
                if message.get("status") in ("completed", "failed"):
                    return True
