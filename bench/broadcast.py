"""What it costs to tell 1,000 watchers something through API Gateway: CPU of this process, next to boto3.

First the posts alone, then a whole broadcast with its rows in Postgres. The gateway is an emulator in a process of its
own. Run: python -m bench.broadcast
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boto3.session import Session
from botocore.credentials import Credentials

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.adapters.gateway_connections import GatewayConnections
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.dialects.saled.events import PHRASING
from shared.ports import Delivery
from shared.services import broadcast
from tests.support.world import STARTED, World, segments

REGION = "eu-central-1"
NAMES = [f"L0SM9cOF{number:04}vHcCIhw=" for number in range(1_000)]
MESSAGE = '{"type": "segment", "seq": 17, "text": "' + "we looked at the numbers for this quarter " * 5 + '"}'
RUNS = 5


def main() -> None:
    with gateway() as url:
        connections = GatewayConnections(url, lambda: Credentials("test", "test", "a session token"), REGION)
        ours = [_cpu_seconds(lambda: by_hand(connections)) for _ in range(RUNS)]
        whole = broadcasts(connections)
        connections.stop()
        theirs = _cpu_seconds(lambda: one_by_one(url))
    print(f"broadcast to {len(NAMES):,} connections: {min(ours):.3f} s CPU (target <= 0.1 s)")
    print(f"with the log, the rows and the phrasing: {min(whole):.3f} s CPU (target <= 0.1 s)")
    print(f"the first, which opens the sockets: {ours[0]:.3f} s CPU (target <= 0.1 s)")
    print(f"boto3, one after the other: {theirs:.3f} s CPU, {theirs / min(ours):.0f} times as much")


@contextmanager
def gateway() -> Iterator[str]:
    """The address of an emulator that takes messages for anybody."""
    command = [sys.executable, "-m", "tests.support.connections_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdin is not None and emulator.stdout is not None
        yield emulator.stdout.readline().strip()
        # It ends with its standard input.
        emulator.stdin.close()


def by_hand(connections: GatewayConnections) -> None:
    delivered = connections.send({name: [MESSAGE] for name in NAMES})
    assert delivered == dict.fromkeys(NAMES, Delivery(1))


def broadcasts(connections: GatewayConnections) -> list[float]:
    """Reports of a job whose recording all of them watch; the CPU seconds of telling each."""
    with fresh_world() as world:
        recording, task = world.launched()
        for name in NAMES:
            broadcast.connect(world.core, world.ann, name, recording.uuid, dialect="saled", after=None)
        world.clock.pass_by(60)
        world.report(task, STARTED)
        seconds = []
        for number in range(RUNS):
            world.report(task, segments(number), first=number + 1)
            seconds.append(_cpu_seconds(lambda: _tell(world, connections, recording.id)))
    return seconds


def _tell(world: World, connections: GatewayConnections, recording_id: int) -> None:
    assert broadcast.broadcast(world.core, connections, {"saled": PHRASING}, recording_id)


@contextmanager
def fresh_world() -> Iterator[World]:
    """A core on an embedded Postgres."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        database = Database(postgres.start())
        try:
            migrate(database)
            yield World(database)
        finally:
            database.close()
            postgres.stop()


def one_by_one(url: str) -> None:
    session = Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    client = session.client("apigatewaymanagementapi", endpoint_url=url)
    for name in NAMES:
        client.post_to_connection(ConnectionId=name, Data=MESSAGE.encode())


def _cpu_seconds(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
