"""API Gateway's connections beyond their contract: what is signed, what is kept, and whom a failure concerns."""

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.gateway_connections import GatewayConnections
from shared.adapters.kept_sockets import KeptSockets, read_answer
from shared.ports import Delivery
from tests.support.connections_server import ConnectionsServer, Request, answer
from tests.support.ministack import REGION, LocalAws, free_port

SECRET = "a-very-secret-key"
TOKEN = "a-session-token/+=="
WELL = answer(200, b"")


def credentials() -> Credentials:
    return Credentials("AKIDEXAMPLE", SECRET, TOKEN)


@contextmanager
def running(server: ConnectionsServer, **options: Any) -> Iterator[GatewayConnections]:
    connections = GatewayConnections(server.url, credentials, REGION, **options)
    yield connections
    connections.stop()


@pytest.fixture
def server() -> Iterator[ConnectionsServer]:
    with ConnectionsServer("ann=", "ben=", "cleo=") as running:
        yield running


@pytest.fixture
def connections(server: ConnectionsServer) -> Iterator[GatewayConnections]:
    with running(server) as found:
        yield found


def as_botocore_signs(url: str, request: Request, signing: Credentials) -> str:
    """The Authorization of a request that came in, at the moment that it says."""
    parts = urlsplit(url)
    made = AWSRequest(request.method, f"{parts.scheme}://{parts.netloc}{request.path}", data=request.body)
    made.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(signing, "execute-api", REGION)
    signer._modify_request_before_signing(made)
    string = signer.string_to_sign(made, signer.canonical_request(made))
    signer._inject_signature_to_request(made, signer.signature(string, made))
    return str(made.headers["Authorization"])


#: botocore takes "." and ".." out of a path; nobody's id is one of them.
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda name: name.strip("."))
KEYS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=", min_size=1, max_size=60)


def test_requests_are_signed_as_botocore_signs_them(server: ConnectionsServer) -> None:
    server.anybody = True

    @settings(max_examples=150, deadline=None)
    @given(st.lists(IDS, min_size=1, max_size=5, unique=True), st.text(max_size=50), KEYS, st.none() | KEYS)
    def check(names: list[str], said: str, secret: str, token: str | None) -> None:
        server.requests.clear()
        signing = Credentials("AKIDEXAMPLE", secret, token)
        connections = GatewayConnections(server.url, lambda: signing, REGION)
        text = said.encode(errors="replace").decode()
        assert connections.send({name: [text] for name in names}) == {name: Delivery(1) for name in names}
        connections.close(names[:1])
        connections.stop()
        for request in server.requests:
            assert request.headers["authorization"] == as_botocore_signs(server.url, request, signing)
            assert request.headers.get("x-amz-security-token") == token
        assert [request.method for request in server.requests] == ["POST"] * len(names) + ["DELETE"]

    check()


def test_an_id_is_one_part_of_the_path(server: ConnectionsServer, connections: GatewayConnections) -> None:
    connections.send({"L0SM9c/../OFv?x#y HcCIhw=": ["{}"]})
    assert server.requests[0].path == "/prod/@connections/L0SM9c%2F..%2FOFv%3Fx%23y%20HcCIhw%3D"


def test_credentials_that_renew_themselves_are_asked_every_time(server: ConnectionsServer) -> None:
    made = 0

    def renew() -> dict[str, str]:
        nonlocal made
        made += 1
        # Younger than the ten minutes before their end in which botocore wants new ones.
        until = datetime.now(UTC) + timedelta(minutes=5)
        key, secret = f"AKID{made}", f"secret {made}"
        return {"access_key": key, "secret_key": secret, "token": "t", "expiry_time": until.isoformat()}

    renewing = RefreshableCredentials.create_from_metadata(renew(), renew, "test")
    connections = GatewayConnections(server.url, lambda: renewing, REGION)
    for _ in range(2):
        connections.send({"ann=": ["{}"]})
    connections.stop()
    keys = [request.headers["authorization"].split("=")[1].split("/")[0] for request in server.requests]
    assert len(set(keys)) == 2


def test_credentials_and_region_are_those_of_the_function(
    server: ConnectionsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LocalAws("").environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    connections = GatewayConnections(server.url)
    assert connections.send({"ann=": ["{}"]}) == {"ann=": Delivery(1)}
    connections.stop()
    assert (
        f"Credential=test/{datetime.now(UTC):%Y%m%d}/{REGION}/execute-api/"
        in server.requests[0].headers["authorization"]
    )


def test_without_credentials_nothing_is_sent_and_that_is_logged(
    server: ConnectionsServer, caplog: pytest.LogCaptureFixture
) -> None:
    connections = GatewayConnections(server.url, lambda: None, REGION)
    assert connections.send({"ann=": ["{}"]}) == {"ann=": Delivery(0)}
    connections.close(["ann="])
    connections.stop()
    assert server.requests == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


@pytest.mark.parametrize("status", [403, 413, 429, 500, 503])
def test_a_refusal_stops_one_connection_and_no_other(
    server: ConnectionsServer, connections: GatewayConnections, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.script["ann="] = [WELL, answer(status)]
    delivered = connections.send({"ann=": ["1", "2", "3"], "ben=": ["1", "2", "3"]})
    assert delivered == {"ann=": Delivery(1), "ben=": Delivery(3)}
    assert server.messages["ben="] == ["1", "2", "3"]
    assert [request.body for request in server.requests if "ann" in request.path] == [b"1", b"2"]
    assert caplog.messages == [f"1 of 2 connections were not told everything (HTTP {status}: 1)"]


def test_a_thousand_refusals_are_one_line_in_the_log_without_a_secret(
    server: ConnectionsServer, connections: GatewayConnections, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"connection-{number}" for number in range(300)]
    server.script.update({name: [answer(403, TOKEN.encode())] for name in names})
    connections.send({name: ["{}"] for name in names})
    assert caplog.messages == ["300 of 300 connections were not told everything (HTTP 403: 300)"]
    assert SECRET not in caplog.text and TOKEN not in caplog.text


def test_those_who_are_gone_are_no_reason_for_a_warning(
    connections: GatewayConnections, caplog: pytest.LogCaptureFixture
) -> None:
    assert connections.send({"left=": ["1"], "ann=": ["1"]}) == {"left=": Delivery(0, gone=True), "ann=": Delivery(1)}
    connections.close(["left="])
    assert caplog.messages == []


def test_a_connection_that_hangs_holds_nobody_up(server: ConnectionsServer) -> None:
    server.anybody = True
    server.script["stuck="] = [WELL, None]
    everybody = {"stuck=": ["1", "2", "3"]} | {f"connection-{number}": ["1"] for number in range(100)}
    with running(server, post_seconds=0.5) as connections:
        began = time.monotonic()
        delivered = connections.send(everybody)
        assert 0.5 <= time.monotonic() - began < 5
        assert delivered.pop("stuck=") == Delivery(1)
        assert set(delivered.values()) == {Delivery(1)}


def test_a_late_answer_is_not_taken_for_that_to_another_post(server: ConnectionsServer) -> None:
    server.script["ann="] = [WELL, None]
    with running(server, post_seconds=0.2) as connections:
        assert connections.send({"ann=": ["1", "2"]}) == {"ann=": Delivery(1)}
        assert connections.send({"ben=": ["3"]}) == {"ben=": Delivery(1)}
    assert [request.socket for request in server.requests] == [1, 1, 2]


@pytest.mark.parametrize(("post_seconds", "reason"), [(0.4, "no answer: 32"), (60, "the time was up")])
def test_a_gateway_that_hangs_is_given_up(
    server: ConnectionsServer, post_seconds: float, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"connection-{number}" for number in range(100)]
    server.script.update({name: [None] for name in names})
    with running(server, post_seconds=post_seconds, send_seconds=0.6) as connections:
        began = time.monotonic()
        delivered = connections.send({name: ["1", "2"] for name in names})
        assert time.monotonic() - began < 5
    assert delivered == {name: Delivery(0) for name in names}
    assert caplog.messages == [f"100 of 100 connections were not told everything ({reason})"]


def test_a_gateway_that_is_away_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    connections = GatewayConnections(f"http://127.0.0.1:{free_port()}/prod", credentials, REGION)
    assert connections.send({"ann=": ["1"]}) == {"ann=": Delivery(0)}
    connections.close(["ann="])
    connections.stop()
    assert caplog.messages == [
        "1 of 1 connections were not told everything (no answer: 1)",
        "1 of 1 connections were not closed (no answer: 1)",
    ]


def test_sockets_are_few_and_kept(server: ConnectionsServer, connections: GatewayConnections) -> None:
    server.anybody = True
    for _ in range(3):
        connections.send({f"connection-{number}": ["1", "2"] for number in range(200)})
    assert len(server.requests) == 1200
    assert server.taken <= 32


def test_sockets_that_died_between_two_calls_are_replaced(
    server: ConnectionsServer, connections: GatewayConnections
) -> None:
    everybody = {"ann=": ["1"], "ben=": ["1"], "cleo=": ["1"]}
    for _ in range(3):
        assert connections.send(everybody) == dict.fromkeys(everybody, Delivery(1))
        server.hang_up()
    connections.close(["cleo="])
    assert (server.messages["ann="], server.open) == (["1", "1", "1"], {"ann=", "ben="})


def test_a_kept_socket_that_dies_under_a_post_is_replaced_once(
    server: ConnectionsServer, connections: GatewayConnections
) -> None:
    server.script["ann="] = [WELL, b"", WELL]
    assert connections.send({"ann=": ["1", "2"]}) == {"ann=": Delivery(2)}
    assert [request.body for request in server.requests] == [b"1", b"2", b"2"]
    server.script["ann="] = [b"", b""]
    assert connections.send({"ann=": ["3", "4"]}) == {"ann=": Delivery(0)}
    assert [request.body for request in server.requests[3:]] == [b"3", b"3"]


def test_a_new_socket_that_dies_is_not_tried_again(server: ConnectionsServer, connections: GatewayConnections) -> None:
    server.script["ann="] = [b""]
    assert connections.send({"ann=": ["1", "2"]}) == {"ann=": Delivery(0)}
    assert len(server.requests) == 1


def test_a_socket_that_was_idle_for_too_long_is_not_used(server: ConnectionsServer) -> None:
    server.anybody = True
    request = b"POST /prod/@connections/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"

    async def twice(sockets: KeptSockets) -> None:
        assert [await sockets.ask(request), await sockets.ask(request)] == [200, 200]
        sockets.drop()

    asyncio.run(twice(KeptSockets(urlsplit(server.url))))
    assert server.taken == 1
    asyncio.run(twice(KeptSockets(urlsplit(server.url), kept_seconds=0)))
    assert server.taken == 3


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("said", "delivered", "sockets"),
    [
        (HEAD + b"content-length:0\r\n\r\n", 2, 1),
        (HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n", 2, 2),
        (HEAD + b"Content-Length: 2\r\n\r\nok", 2, 1),
        (HEAD + b"Content-Length: 0\r\n\r\nmore than was said", 2, 2),
        (HEAD + b"\r\nuntil the socket closes", 2, 2),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 2, 2),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", 2, 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 2, 2),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 2, 1),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, 1),
        (b"HTTP/1.1 what\r\n\r\n", 0, 1),
        (HEAD + b"x: " + b"x" * 100_000, 0, 1),
    ],
)
def test_any_answer_is_understood_or_given_up(
    server: ConnectionsServer, connections: GatewayConnections, said: bytes, delivered: int, sockets: int
) -> None:
    server.script["ann="] = [said]
    assert connections.send({"ann=": ["1", "2"]}) == {"ann=": Delivery(delivered)}
    assert server.taken == sockets
    assert connections.send({"ann=": ["3"]}) == {"ann=": Delivery(1)}


def test_an_answer_may_come_in_pieces() -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\nok"
    assert [read_answer(whole[:end]) for end in range(len(whole))] == [None] * len(whole)
    assert read_answer(whole) == (200, True)


def test_it_works_beside_another_event_loop(server: ConnectionsServer, connections: GatewayConnections) -> None:
    async def program() -> Any:
        return await asyncio.gather(*(asyncio.to_thread(connections.send, {name: ["1"]}) for name in server.open))

    assert sorted(asyncio.run(program()), key=str) == sorted(({name: Delivery(1)} for name in server.open), key=str)


def test_threads_may_send_at_once(server: ConnectionsServer, connections: GatewayConnections) -> None:
    with ThreadPoolExecutor(8) as threads:
        sent = list(threads.map(lambda number: connections.send({"ann=": [f"{number}", "next"]}), range(40)))
    assert sent == [{"ann=": Delivery(2)}] * 40
    assert sorted(server.messages["ann="]) == sorted([str(number) for number in range(40)] + ["next"] * 40)


def test_nothing_is_left_after_a_stop(server: ConnectionsServer) -> None:
    before = threading.active_count()
    with running(server) as connections:
        connections.send({"ann=": ["1"]})
        assert len(server.peers) == 1
    server.hang_up()
    assert threading.active_count() == before


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only its own file vouches for, with its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(names, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return file


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[ConnectionsServer]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ConnectionsServer("ann=", tls=tls) as running:
        yield running


def test_it_speaks_tls_over_kept_sockets(
    secure_server: ConnectionsServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(secure_server) as connections:
        for _ in range(3):
            assert connections.send({"ann=": ["1", "2"]}) == {"ann=": Delivery(2)}
        assert secure_server.taken == 1
        secure_server.hang_up()
        assert connections.send({"ann=": ["3"]}) == {"ann=": Delivery(1)}


def test_a_server_that_nobody_vouches_for_is_told_nothing(secure_server: ConnectionsServer) -> None:
    with running(secure_server) as connections:
        assert connections.send({"ann=": ["1"]}) == {"ann=": Delivery(0)}
    assert secure_server.requests == []
