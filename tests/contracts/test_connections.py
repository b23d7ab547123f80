"""What every Connections does: in memory, at an emulator in two shapes, and at MiniStack with real WebSockets."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from uuid import uuid4

import pytest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from shared.adapters.gateway_connections import GatewayConnections
from shared.domain.connections import MESSAGE_BYTES
from shared.domain.errors import Invalid
from shared.ports import Connections, Delivery
from tests.support.connections_server import ConnectionsServer, Shape
from tests.support.fakes import MemoryConnections
from tests.support.ministack import REGION, LocalAws
from tests.support.waiting import until


@dataclass(frozen=True)
class Gateway:
    """`connect` opens a connection and says its id; `heard` is what has come over it; `leave` ends it from afar."""

    connections: Connections
    connect: Callable[[], str]
    heard: Callable[[str], list[str]]
    leave: Callable[[str], object]


def credentials() -> Credentials:
    return Credentials("test", "test")


@pytest.fixture(params=["memory", "aws", "offline", "ministack"])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    if request.param == "memory":
        yield _in_memory()
    elif request.param == "ministack":
        with RealGateway(request.getfixturevalue("ministack")) as real:
            yield from _stopped(real.url, real.connect, real.heard, real.leave)
    else:
        shape: Shape = request.param
        with ConnectionsServer(shape=shape) as server:
            yield from _stopped(
                server.url, lambda: _named(server.open), server.messages.__getitem__, server.open.remove
            )


def _in_memory() -> Gateway:
    memory = MemoryConnections()

    def join() -> str:
        name = uuid4().hex
        memory.messages[name] = []
        return name

    return Gateway(memory, join, memory.messages.__getitem__, memory.messages.pop)


def _named(open_: set[str]) -> str:
    # As API Gateway's ids look.
    name = f"{uuid4().hex[:14]}A="
    open_.add(name)
    return name


def _stopped(
    url: str, join: Callable[[], str], heard: Callable[[str], list[str]], leave: Callable[[str], object]
) -> Iterator[Gateway]:
    connections = GatewayConnections(url, credentials, REGION)
    yield Gateway(connections, join, heard, leave)
    connections.stop()


WHO = 'def handler(event, context):\n    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}\n'


class RealGateway:
    """A WebSocket API at MiniStack: a function tells each client that asks what its connection is called."""

    def __init__(self, ministack: LocalAws) -> None:
        gateway, functions = ministack.client("apigatewayv2"), ministack.client("lambda")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as bundle:
            bundle.writestr("who.py", WHO)
        arn = functions.create_function(
            FunctionName=f"who-{uuid4().hex}",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/anybody",
            Handler="who.handler",
            Code={"ZipFile": code.getvalue()},
        )["FunctionArn"]
        name, choice = f"watchers-{uuid4().hex}", "$request.body.action"
        api = gateway.create_api(Name=name, ProtocolType="WEBSOCKET", RouteSelectionExpression=choice)["ApiId"]
        integration = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn)
        target = f"integrations/{integration['IntegrationId']}"
        gateway.create_route(ApiId=api, RouteKey="$default", Target=target)
        gateway.create_stage(ApiId=api, StageName="prod", AutoDeploy=True)
        self.url = f"{ministack.url}/_aws/execute-api/{api}/prod"
        self._clients: dict[str, ClientConnection] = {}
        self._heard: dict[str, list[str]] = {}

    def __enter__(self) -> "RealGateway":
        self._open = ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def connect(self) -> str:
        client = self._open.enter_context(connect(self.url.replace("http:", "ws:"), max_size=None))
        client.send("{}")
        name = str(client.recv(timeout=30))
        self._clients[name], self._heard[name] = client, []
        threading.Thread(target=self._listen, args=(client, self._heard[name]), daemon=True).start()
        return name

    def _listen(self, client: ClientConnection, heard: list[str]) -> None:
        with suppress(ConnectionClosed):
            heard.extend(str(message) for message in client)

    def heard(self, name: str) -> list[str]:
        return self._heard[name]

    def leave(self, name: str) -> None:
        self._clients[name].close()


def arrive(gateway: Gateway, name: str, expected: list[str]) -> None:
    until(lambda: len(gateway.heard(name)) >= len(expected))
    assert gateway.heard(name) == expected


def test_everybody_gets_their_messages_in_order(gateway: Gateway) -> None:
    ann, ben = gateway.connect(), gateway.connect()
    numbers = [f'{{"seq": {number}}}' for number in range(20)]
    delivered = gateway.connections.send({ann: numbers, ben: ['{"seq": "größer"}']})
    assert delivered == {ann: Delivery(20), ben: Delivery(1)}
    arrive(gateway, ann, numbers)
    arrive(gateway, ben, ['{"seq": "größer"}'])


def test_who_left_is_gone_and_keeps_nobody_else_from_hearing(gateway: Gateway) -> None:
    ann, ben = gateway.connect(), gateway.connect()
    gateway.leave(ann)
    until(lambda: gateway.connections.send({ann: ["{}"]})[ann].gone)
    delivered = gateway.connections.send({ann: ["1", "2"], ben: ["3"], "never-there=": ["4"]})
    assert delivered == {ann: Delivery(0, gone=True), ben: Delivery(1), "never-there=": Delivery(0, gone=True)}
    arrive(gateway, ben, ["3"])


def test_nothing_to_say_is_fine(gateway: Gateway) -> None:
    ann = gateway.connect()
    assert gateway.connections.send({}) == {}
    assert gateway.connections.send({ann: []}) == {ann: Delivery(0)}


def test_closed_connections_are_gone(gateway: Gateway) -> None:
    ann, ben, cleo = gateway.connect(), gateway.connect(), gateway.connect()
    gateway.connections.close([ann, "never-there=", ben])
    gateway.connections.close([ann])
    gateway.connections.close([])
    gone = Delivery(0, gone=True)
    assert gateway.connections.send({ann: ["1"], ben: ["2"], cleo: ["3"]}) == {ann: gone, ben: gone, cleo: Delivery(1)}


def test_the_longest_message_arrives(gateway: Gateway) -> None:
    ann = gateway.connect()
    longest = "ü" * (MESSAGE_BYTES // 2)
    assert gateway.connections.send({ann: [longest]}) == {ann: Delivery(1)}
    arrive(gateway, ann, [longest])


def test_a_longer_message_is_refused_before_anything_is_sent(gateway: Gateway) -> None:
    ann, ben = gateway.connect(), gateway.connect()
    with pytest.raises(Invalid):
        gateway.connections.send({ann: ["short"], ben: ["ü" * (MESSAGE_BYTES // 2) + "x"]})
    assert gateway.connections.send({ann: ["next"]}) == {ann: Delivery(1)}
    arrive(gateway, ann, ["next"])
