"""The S3 store beyond its contract: large objects, addresses, and what goes wrong. Against MiniStack and moto."""

import threading
import time
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.adapters import aws
from shared.adapters.s3_store import S3Store
from shared.domain.errors import Invalid, NotFound, Unavailable
from shared.domain.uploads import Part
from tests.support.ministack import LocalAws, free_port, running_moto
from tests.support.waiting import until

MIB = 1024 * 1024
SECRET = "a-very-secret-key"


@pytest.fixture
def store(ministack: LocalAws) -> S3Store:
    return store_in(ministack)


@pytest.fixture(scope="module")
def moto() -> Iterator[LocalAws]:
    """It knows how small a part may be."""
    with running_moto() as running:
        yield running


def store_in(local: LocalAws) -> S3Store:
    return S3Store(local.bucket(), lambda: local.deployed_client("s3"))


def get(url: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def open_uploads(local: LocalAws, bucket: str) -> list[Any]:
    return local.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])


@pytest.mark.parametrize("size", [1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
def test_an_object_of_any_size_comes_back_as_it_was(store: S3Store, size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    writer, chunk = store.create("audio/one"), 3 * MIB + 7
    for start in range(0, size, chunk):
        writer.write(data[start : min(size, start + chunk)])
    writer.commit()
    assert get(store.download_url("audio/one", seconds=60)) == (200, data[:size])


def test_a_large_object_is_never_whole_in_memory(store: S3Store) -> None:
    block = bytes(MIB)
    store.create("audio/one").commit()
    writer = store.create("audio/two")
    tracemalloc.start()
    try:
        for _ in range(40):
            writer.write(block)
        writer.commit()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert store.size("audio/two") == 40 * MIB
    assert peak < 12 * MIB


def test_a_large_object_that_is_aborted_leaves_no_parts(ministack: LocalAws) -> None:
    bucket = ministack.bucket()
    store = S3Store(bucket, lambda: ministack.deployed_client("s3"))
    writer = store.create("audio/one")
    writer.write(bytes(20 * MIB))
    assert (store.size("audio/one"), len(open_uploads(ministack, bucket))) == (None, 1)
    writer.abort()
    assert (store.size("audio/one"), open_uploads(ministack, bucket)) == (None, [])


def test_a_large_object_that_cannot_be_finished_leaves_no_parts(ministack: LocalAws) -> None:
    bucket = ministack.bucket()
    client = Breaking(ministack.deployed_client("s3"), "complete_multipart_upload")
    store = S3Store(bucket, lambda: client)
    writer = store.create("audio/one")
    writer.write(bytes(9 * MIB))
    with pytest.raises(Unavailable):
        writer.commit()
    assert (store.size("audio/one"), open_uploads(ministack, bucket)) == (None, [])


def test_what_cannot_even_be_aborted_is_left_to_the_bucket(
    ministack: LocalAws, caplog: pytest.LogCaptureFixture
) -> None:
    client = Breaking(ministack.deployed_client("s3"), "abort_multipart_upload")
    writer = S3Store(ministack.bucket(), lambda: client).create("audio/one")
    writer.write(bytes(9 * MIB))
    writer.abort()
    assert "lifecycle" in caplog.text


class Breaking:
    """An S3 client whose line is cut at one operation."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        return self._break if name == self._operation else getattr(self._client, name)

    def _break(self, **_: Any) -> Any:
        from botocore.exceptions import ConnectionClosedError

        raise ConnectionClosedError(endpoint_url="http://s3")


class Forgetful:
    """An S3 client to which the answer to finishing an upload gets lost: it tries again by itself, and S3 says that
    there is no such upload any more."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def complete_multipart_upload(self, **said: Any) -> Any:
        self._client.complete_multipart_upload(**said)
        # Emulators answer a second completion as they like; of this operation they say what S3 says.
        return self._client.list_parts(Bucket=said["Bucket"], Key=said["Key"], UploadId=said["UploadId"])


def test_an_upload_is_finished_also_when_the_answer_got_lost(ministack: LocalAws) -> None:
    client = Forgetful(ministack.deployed_client("s3"))
    store = S3Store(ministack.bucket(), lambda: client)
    reference = store.begin_parts("uploads/one", content_type="audio/mp4")
    store.put_part("uploads/one", reference, 1, b"abc")
    store.finish_parts("uploads/one", reference)
    assert store.size("uploads/one") == 3


def test_an_upload_that_is_aborted_while_it_is_finished_is_not_taken_for_finished(store: S3Store) -> None:
    store.put("uploads/one", b"an older object")
    reference = store.begin_parts("uploads/one", content_type="audio/mp4")
    sent = store.put_part("uploads/one", reference, 1, b"abc")
    store.abort_parts("uploads/one", reference)
    with pytest.raises(NotFound):
        store.join("uploads/one", reference, [sent])


def test_parts_that_are_too_small_for_s3_are_refused(moto: LocalAws) -> None:
    store = store_in(moto)
    reference = store.begin_parts("uploads/one", content_type="audio/mp4")
    for number in (1, 2):
        store.put_part("uploads/one", reference, number, b"small")
    with pytest.raises(Invalid, match="5 MiB"):
        store.finish_parts("uploads/one", reference)


def test_parts_arrive_in_the_object_in_order_with_its_type(store: S3Store) -> None:
    reference = store.begin_parts("uploads/one", content_type="audio/mp4")
    for number, data in ((2, b"last"), (1, b"a" * 5 * MIB)):
        store.put_part("uploads/one", reference, number, data)
    store.finish_parts("uploads/one", reference)
    url = store.download_url("uploads/one", seconds=60)
    with urllib.request.urlopen(url, timeout=30) as response:
        assert (response.read(), response.headers["Content-Type"]) == (b"a" * 5 * MIB + b"last", "audio/mp4")


def test_a_thousand_parts_and_more_are_listed_and_joined(store: S3Store) -> None:
    reference = store.begin_parts("uploads/one", content_type="audio/mp4")
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda number: store.put_part("uploads/one", reference, number, b"x"), range(1, 1003)))
    assert list(store.parts("uploads/one", reference)) == [Part(number, 1) for number in range(1, 1003)]
    store.finish_parts("uploads/one", reference)
    assert store.size("uploads/one") == 1002


def test_a_thousand_objects_and_more_are_listed(store: S3Store) -> None:
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda number: store.put(f"audio/{number}", b""), range(1002)))
    assert sorted(store.keys()) == sorted(f"audio/{number}" for number in range(1002))


def test_an_address_answers_ranges_and_runs_out(store: S3Store) -> None:
    store.put("audio/one", b"0123456789")
    url = store.download_url("audio/one", seconds=1)
    assert get(url, Range="bytes=2-4") == (206, b"234")
    until(lambda: get(url)[0] == 403)


def test_an_address_that_is_changed_is_refused(store: S3Store) -> None:
    store.put("audio/one", b"mine")
    store.put("audio/two", b"another's")
    url = store.download_url("audio/one", seconds=60)
    assert get(url)[0] == 200
    assert get(url.replace("audio/one", "audio/two"))[0] == 403
    assert get(url.replace("Expires=60", "Expires=6000"))[0] == 403


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_addresses_lead_to_the_region_of_the_bucket(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    sign_as_in_a_lambda(monkeypatch, region)
    client = aws.make_client("s3")
    store = S3Store("hansard-audio", lambda: client)
    urls = [
        store.download_url("audio/one", seconds=60),
        store.upload_url("audio/one", content_type="audio/mp4", size=7, seconds=60),
        store.part_url("audio/one", "reference", 1, size=7, seconds=60),
    ]
    bound = []
    for url in urls:
        parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
        assert (parts.scheme, parts.netloc) == ("https", f"hansard-audio.s3.{region}.amazonaws.com")
        assert query["X-Amz-Security-Token"] == ["a session"]
        assert query["X-Amz-Credential"][0].split("/")[2:] == [region, "s3", "aws4_request"]
        assert SECRET not in url
        bound.append(query["X-Amz-SignedHeaders"][0])
    assert bound == ["host", "content-length;content-type;host", "content-length;host"]


@pytest.mark.parametrize("endpoint", ["http://localhost:9000", "https://minio.example.org"])
def test_other_stores_than_amazons_are_asked_by_path(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    sign_as_in_a_lambda(monkeypatch, "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    client = aws.make_client("s3")
    url = S3Store("hansard-audio", lambda: client).download_url("audio/one", seconds=60)
    assert url.startswith(f"{endpoint}/hansard-audio/audio/one?")


def sign_as_in_a_lambda(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    for name, value in (*LocalAws("").environment.items(), ("AWS_SESSION_TOKEN", "a session")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def test_without_credentials_the_store_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    sign_as_in_a_lambda(monkeypatch, "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    client = aws.make_client("s3")
    with pytest.raises(Unavailable, match="NoCredentialsError"):
        S3Store("hansard-audio", lambda: client).download_url("audio/one", seconds=60)


class Refusing(ThreadingHTTPServer):
    """Answers every request with one error."""

    daemon_threads = True

    def __init__(self, status: int, code: str) -> None:
        super().__init__(("127.0.0.1", 0), RefusingHandler)
        self.status = status
        self.code = code

    def __enter__(self) -> "Refusing":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def local(self) -> LocalAws:
        return LocalAws(f"http://127.0.0.1:{self.server_port}")


class RefusingHandler(BaseHTTPRequestHandler):
    def handle_expect_100(self) -> bool:
        return True

    def do_PUT(self) -> None:
        server = self.server
        assert isinstance(server, Refusing)
        body = f"<Error><Code>{server.code}</Code><Message>As the script says.</Message></Error>".encode()
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (503, "SlowDown"), (404, "NoSuchBucket")])
def test_what_s3_refuses_is_unavailable_and_says_why(status: int, code: str, caplog: pytest.LogCaptureFixture) -> None:
    with Refusing(status, code) as refusing:
        store = S3Store("hansard-audio", lambda: refusing.local.deployed_client("s3"))
        writer = store.create("audio/one")
        writer.write(b"abc")
        with pytest.raises(Unavailable, match=code):
            writer.commit()
    assert "As the script says." in caplog.text


def test_a_store_that_is_away_is_unavailable_soon() -> None:
    local = LocalAws(f"http://127.0.0.1:{free_port()}")
    store = S3Store("hansard-audio", lambda: local.deployed_client("s3"))
    began = time.monotonic()
    with pytest.raises(Unavailable, match="EndpointConnectionError"):
        store.size("audio/one")
    assert time.monotonic() - began < 20


def test_an_address_says_what_the_object_is_to_be_served_as(store: S3Store) -> None:
    store.put("audio/one", b"sound")
    named = "attachment; filename*=UTF-8''%C3%BCber%20alles.mp3"
    url = store.download_url("audio/one", seconds=60, content_type="audio/mpeg", disposition=named)
    with urllib.request.urlopen(url) as answer:
        assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == ("audio/mpeg", named)
    assert get(url.replace("audio%2Fmpeg", "text%2Fhtml"))[0] == 403
