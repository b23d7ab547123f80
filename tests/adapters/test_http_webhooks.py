"""Posts to receivers: what is sent, what is refused, and that no receiver keeps it longer than it may."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.adapters.http_webhooks import HttpWebhookSender, Resolved, system_resolver
from shared.domain.errors import Invalid, Unavailable
from tests.support.receiver import Handler, Receiver

LOOPBACK = r"^127\.0\.0\.1$"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def post(url: str, sender: HttpWebhookSender | None = None, body: bytes = b"{}") -> tuple[int, str]:
    found = (sender or HttpWebhookSender(LOOPBACK)).send(url, {"X-One": "1"}, body, allow_http=False)
    return found.status, found.body


def resolving(*addresses: str) -> HttpWebhookSender:
    """A sender for which every name stands for these."""

    def resolve(host: str, port: int) -> list[Resolved]:
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, (each, port)) for each in addresses]

    return HttpWebhookSender(resolve=resolve, seconds=2)


def test_a_receiver_gets_the_very_bytes(receiver: Receiver) -> None:
    body = '{"title":"Grüße"}'.encode()
    assert post(f"{receiver.url}/é?a=b%20c", body=body) == (200, "")
    (found,) = receiver.received
    assert (found.path, found.body) == ("/hook/%C3%A9?a=b%20c", body)
    assert found.headers["X-One"] == "1"
    assert found.headers["Host"] == receiver.url.removeprefix("http://").removesuffix("/hook")
    assert not {"Cookie", "Authorization", "Referer"} & set(found.headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda handler: handler.reply(status, Location=f"{receiver.url}/other")
    assert post(receiver.url)[0] == status
    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(receiver.url)[0] == 200


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120), ("0", 0), ("-1", None), ("soon", None), ("1e3", None), ("9" * 400, None), ("", None)],
)
def test_retry_after_in_seconds(receiver: Receiver, said: str, seconds: float | None) -> None:
    receiver.answer = lambda handler: handler.reply(503, Retry_After=said)
    assert HttpWebhookSender(LOOPBACK).send(receiver.url, {}, b"", allow_http=True).retry_after == seconds


def test_retry_after_as_a_date(receiver: Receiver) -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    dates = iter([later.strftime("%a, %d %b %Y %H:%M:%S GMT"), "Mon, 01 Jan 1990 00:00:00 GMT"])
    receiver.answer = lambda handler: handler.reply(429, Retry_After=next(dates))
    sender = HttpWebhookSender(LOOPBACK)
    first, second = (sender.send(receiver.url, {}, b"", allow_http=True).retry_after for _ in range(2))
    assert first is not None and 85 < first <= 90
    assert second == 0


@pytest.mark.parametrize("offset", ["+99999999999999999999", "-99999999999999999999", "+9999"])
def test_retry_after_as_a_date_that_cannot_be_is_not_heeded(receiver: Receiver, offset: str) -> None:
    receiver.answer = lambda handler: handler.reply(503, Retry_After=f"Mon, 01 Jan 2024 00:00:00 {offset}")
    answer = HttpWebhookSender(LOOPBACK).send(receiver.url, {}, b"", allow_http=True)
    assert (answer.status, answer.retry_after) == (503, None)


def test_of_a_long_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.answer = lambda handler: handler.reply(200, b"\xffx" * 100_000)
    _, body = post(receiver.url)
    assert len(body) == 64 * 1024
    assert body[:2] == "\ufffdx"


# What is refused


INSIDE = """
https://127.0.0.1/ https://2130706433/ https://0177.0.0.1/ https://0x7f.1/ https://127.1/ https://0/ https://[::1]/
https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[::]/ https://169.254.169.254/latest https://0xa9fea9fe/
https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/ https://100.64.0.1/ https://10.0.0.1:8443/ https://localhost/
https://１２７.０.０.１/ https://0x7f000001/ https://017700000001/ https://192.0.0.192/
"""


@pytest.mark.parametrize("url", INSIDE.split())
def test_what_leads_inside_is_refused_when_saved_and_when_sent(url: str) -> None:
    sender = HttpWebhookSender(seconds=2)
    with pytest.raises(Invalid):
        sender.check(url, allow_http=True)
    with pytest.raises((Invalid, Unavailable)):
        sender.send(url, {}, b"", allow_http=True)


@pytest.mark.parametrize("addresses", [("8.8.8.8", "10.0.0.1"), ("::1", "8.8.8.8"), ("2606:4700::1", "fd00::1")])
def test_a_name_of_which_one_address_is_inside_is_refused(addresses: tuple[str, ...]) -> None:
    for act in (
        lambda: resolving(*addresses).check("https://hooks.example/", allow_http=False),
        lambda: resolving(*addresses).send("https://hooks.example/", {}, b"", allow_http=False),
    ):
        with pytest.raises(Invalid, match=r"hooks\.example"):
            act()


def test_a_public_name_may_be_saved() -> None:
    resolving("8.8.8.8", "2606:4700::1111").check("https://hooks.example/x", allow_http=False)


def test_http_has_to_be_allowed() -> None:
    sender = resolving("8.8.8.8")
    sender.check("http://hooks.example/", allow_http=True)
    with pytest.raises(Invalid, match="allow_http"):
        sender.check("http://hooks.example/", allow_http=False)


def test_the_allowlist_lifts_both_rules_for_its_hosts_only() -> None:
    def resolve(host: str, port: int) -> list[Resolved]:
        return [(socket.AF_INET, ("10.0.0.1", port))]

    sender = HttpWebhookSender(r"\.intern$", resolve=resolve)
    sender.check("http://N8N.Intern/hook", allow_http=False)
    for url in ("https://intern.example/", "https://n8n.intern.example/", "https://x.example/?.intern"):
        with pytest.raises(Invalid):
            sender.check(url, allow_http=True)


def test_an_allowlist_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid, match="HANSARD_WEBHOOK_ALLOWLIST"):
        HttpWebhookSender("(")


def test_a_name_that_nobody_knows_is_invalid_when_saved_and_tried_again_when_sent() -> None:
    sender = HttpWebhookSender(seconds=5)
    with pytest.raises(Invalid, match="not known"):
        sender.check("https://no-such-host.invalid/", allow_http=False)
    with pytest.raises(Unavailable):
        sender.send("https://no-such-host.invalid/", {}, b"", allow_http=False)


def test_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    """The name is asked for once per attempt: it cannot stand for something else between the check and the call."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[Resolved]:
        asked.append(host)
        return system_resolver("127.0.0.1", port)

    port = receiver.url.split(":")[2].partition("/")[0]
    sender = HttpWebhookSender("rebinding", resolve=resolve)
    assert post(f"http://rebinding.example:{port}/x", sender) == (200, "")
    assert asked == ["rebinding.example"]
    assert receiver.received[0].headers["Host"] == f"rebinding.example:{port}"


def test_the_next_address_is_tried_when_one_takes_no_connection(receiver: Receiver) -> None:
    port = int(receiver.url.split(":")[2].partition("/")[0])

    def resolve(host: str, _: int) -> list[Resolved]:
        return [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, ("127.0.0.1", port))]

    assert post(f"http://two.example:{port}/", HttpWebhookSender("two", resolve=resolve)) == (200, "")


def test_a_closed_port_is_no_answer() -> None:
    with pytest.raises(Unavailable, match=r"No answer from 127\.0\.0\.1: Connection refused"):
        post("http://127.0.0.1:1/secret-path")


# Time


def _raw(handler: Handler, data: bytes) -> None:
    handler.wfile.write(data)
    handler.wfile.flush()


def _drip(handler: Handler, first: bytes) -> None:
    """A byte now and then, so that no single read takes long."""
    _raw(handler, first)
    while not handler.to.released.wait(0.02):
        _raw(handler, b"x")


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: handler.to.hang(handler),
        lambda handler: _drip(handler, b""),
        lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\nX: "),
        lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\n\r\n"),
        lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
        lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"),
    ],
    ids=["silent", "line", "headers", "body", "length", "chunk"],
)
def test_an_attempt_ends_in_time_whatever_drips_in(receiver: Receiver, answer: object) -> None:
    receiver.answer = answer  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"longer than 0\.3 s"):
        post(receiver.url, HttpWebhookSender(LOOPBACK, seconds=0.3))
    assert 0.25 < time.monotonic() - began < 2


def test_a_name_that_is_not_resolved_in_time_is_no_answer() -> None:
    done = threading.Event()

    def resolve(host: str, port: int) -> list[Resolved]:
        done.wait(10)
        return []

    with pytest.raises(Unavailable):
        post("https://slow.example/", HttpWebhookSender(resolve=resolve, seconds=0.2))
    done.set()


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 99,
    ],
)
def test_headers_without_end_are_no_answer(receiver: Receiver, endless: bytes) -> None:
    def answer(handler: Handler) -> None:
        while not handler.to.released.is_set():
            try:
                _raw(handler, endless)
            except OSError:
                return

    receiver.answer = answer
    with pytest.raises(Unavailable):
        post(receiver.url)


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x16\x03\x01", b"HTTP/1.1 99 x\r\n\r\n"]
)
def test_what_is_not_http_is_no_answer(receiver: Receiver, said: bytes) -> None:
    def answer(handler: Handler) -> None:
        _raw(handler, said)
        handler.close_connection = True

    receiver.answer = answer
    with pytest.raises(Unavailable, match="not HTTP"):
        post(receiver.url)


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `hooks.example`, signed by itself; certificate and key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "one.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """The port of a receiver with TLS, and the names that clients asked it for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
                plain.settimeout(5)
                with context.wrap_socket(plain, server_side=True) as connected:
                    while not connected.recv(65536).endswith(b"{}"):
                        pass
                    connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except ssl.SSLError:
                plain.close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], names
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def local_resolver(host: str, port: int) -> list[Resolved]:
    return [(socket.AF_INET, ("127.0.0.1", port))]


def test_tls_is_for_the_name_though_the_connection_is_to_an_address(
    secure: tuple[int, list[str | None]], certificate: Path
) -> None:
    port, names = secure
    trusting = ssl.create_default_context(cafile=str(certificate))
    sender = HttpWebhookSender("example$", resolve=local_resolver, context=trusting)
    assert post(f"https://hooks.example:{port}/", sender) == (204, "")
    assert names == ["hooks.example"]
    with pytest.raises(Unavailable, match="certificate"):
        post(f"https://other.example:{port}/", sender)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(secure: tuple[int, list[str | None]]) -> None:
    sender = HttpWebhookSender("example$", resolve=local_resolver)
    with pytest.raises(Unavailable, match="certificate cannot be trusted"):
        post(f"https://hooks.example:{secure[0]}/", sender)


def test_a_handshake_that_hangs_ends_in_time(receiver: Receiver) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable), socket.create_server(("127.0.0.1", 0)) as silent:
        sender = HttpWebhookSender(LOOPBACK, seconds=0.3)
        post(f"https://127.0.0.1:{silent.getsockname()[1]}/", sender)
    assert time.monotonic() - began < 2
