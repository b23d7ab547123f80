"""What every ObjectStore does."""

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.folder_store import FolderStore
from shared.adapters.s3_store import S3Store
from shared.domain.errors import Invalid, NotFound
from shared.domain.uploads import Part
from shared.ports import ObjectStore
from tests.support.fakes import MemoryStore
from tests.support.ministack import LocalAws

KIND = "audio/mp4"
#: As large as a part has to be in S3, if it is not the last.
PART = 5 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """A store, and what a client does with an address to PUT to: whether it was taken."""

    store: ObjectStore
    put: Callable[[str, bytes, str], bool]

    def begin(self, key: str = "uploads/one") -> str:
        return self.store.begin_parts(key, content_type=KIND)

    def send(self, reference: str, number: int, data: bytes, key: str = "uploads/one") -> bool:
        url = self.store.part_url(key, reference, number, size=len(data), seconds=60)
        return self.put(url, data, "")


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "memory":
        memory = MemoryStore()
        return Place(memory, memory.put)
    if request.param == "folder":
        folder = FolderStore(tmp_path / "objects", "http://here/objects/", b"secret")
        return Place(folder, lambda url, data, kind: _put_into_folder(folder, url, data, kind))
    ministack: LocalAws = request.getfixturevalue("ministack")
    client = ministack.deployed_client("s3")
    return Place(S3Store(ministack.bucket(), lambda: client), _put_over_http)


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.store


def _put_into_folder(folder: FolderStore, url: str, data: bytes, content_type: str) -> bool:
    """What the server does (api/internal.py), without the server."""
    parts = urlsplit(url)
    key = parts.path.removeprefix("/objects/")
    bound = folder.check("PUT", key, dict(parse_qsl(parts.query)))
    if int(bound["size"]) != len(data) or bound.get("type", content_type) != content_type:
        return False
    try:
        writer = folder.create_part(bound["upload"], int(bound["part"])) if "part" in bound else folder.create(key)
    except NotFound:
        return False
    writer.write(data)
    writer.commit()
    return True


def _put_over_http(url: str, data: bytes, content_type: str) -> bool:
    request = urllib.request.Request(url, data, {"Content-Type": content_type}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return False


def _put(store: ObjectStore, key: str, data: bytes) -> None:
    writer = store.create(key)
    writer.write(data)
    writer.commit()


def test_an_object_is_there_once_it_is_committed(store: ObjectStore) -> None:
    writer = store.create("audio/one")
    writer.write(b"abc")
    assert (store.size("audio/one"), list(store.keys())) == (None, [])
    writer.write(b"def")
    writer.commit()
    assert (store.size("audio/one"), list(store.keys())) == (6, ["audio/one"])


def test_an_object_may_be_empty(store: ObjectStore) -> None:
    store.create("audio/one").commit()
    assert store.size("audio/one") == 0


def test_an_aborted_object_leaves_nothing(store: ObjectStore) -> None:
    writer = store.create("audio/one")
    writer.write(b"abc")
    writer.abort()
    writer.abort()
    assert (store.size("audio/one"), list(store.keys())) == (None, [])


def test_aborting_what_is_committed_changes_nothing(store: ObjectStore) -> None:
    writer = store.create("audio/one")
    writer.write(b"abc")
    writer.commit()
    writer.abort()
    assert store.size("audio/one") == 3


def test_a_file_that_can_be_read_holds_the_bytes(store: ObjectStore) -> None:
    _put(store, "audio/one", b"abc")
    path = store.path("audio/one")
    assert path is None or path.read_bytes() == b"abc"
    assert store.path("audio/two") is None


def test_an_object_can_be_replaced_as_a_whole(store: ObjectStore) -> None:
    _put(store, "audio/one", b"a longer text")
    _put(store, "audio/one", b"short")
    assert store.size("audio/one") == 5


def test_deleting_is_final_and_may_be_repeated(store: ObjectStore) -> None:
    _put(store, "audio/one", b"abc")
    _put(store, "audio/two", b"abc")
    store.delete("audio/one")
    store.delete("audio/one")
    store.delete("never/there")
    assert list(store.keys()) == ["audio/two"]


def test_addresses_are_for_one_key_and_one_method(store: ObjectStore) -> None:
    reference = store.begin_parts("audio/one", content_type=KIND)
    addresses = {
        store.download_url("audio/one", seconds=60),
        store.upload_url("audio/one", content_type=KIND, size=7, seconds=60),
        store.download_url("audio/two", seconds=60),
        store.upload_url("audio/two", content_type=KIND, size=7, seconds=60),
        store.part_url("audio/one", reference, 1, size=7, seconds=60),
        store.part_url("audio/one", reference, 2, size=7, seconds=60),
    }
    assert len(addresses) == 6


def test_an_upload_makes_the_object(place: Place) -> None:
    url = place.store.upload_url("uploads/one", content_type=KIND, size=7, seconds=60)
    assert place.put(url, b"1234567", KIND)
    assert place.store.size("uploads/one") == 7


def test_an_upload_of_another_size_or_type_is_refused(place: Place) -> None:
    url = place.store.upload_url("uploads/one", content_type=KIND, size=7, seconds=60)
    assert not place.put(url, b"123456", KIND)
    assert not place.put(url, b"12345678", KIND)
    assert not place.put(url, b"1234567", "text/html")
    assert place.store.size("uploads/one") is None


def test_parts_make_one_object_in_the_order_of_their_numbers(place: Place) -> None:
    reference = place.begin()
    assert place.send(reference, 3, b"c")
    assert place.send(reference, 1, b"a" * PART)
    assert place.send(reference, 2, b"b" * PART)
    assert list(place.store.parts("uploads/one", reference)) == [Part(1, PART), Part(2, PART), Part(3, 1)]
    assert place.store.size("uploads/one") is None
    place.store.finish_parts("uploads/one", reference)
    assert place.store.size("uploads/one") == 2 * PART + 1


def test_a_part_may_be_sent_again(place: Place) -> None:
    reference = place.begin()
    assert place.send(reference, 1, b"first")
    assert place.send(reference, 1, b"second")
    assert list(place.store.parts("uploads/one", reference)) == [Part(1, 6)]


def test_a_part_of_another_size_is_refused(place: Place) -> None:
    reference = place.begin()
    url = place.store.part_url("uploads/one", reference, 1, size=7, seconds=60)
    assert not place.put(url, b"12345678", "")
    assert not place.put(url, b"123456", "")
    assert list(place.store.parts("uploads/one", reference)) == []


def test_an_upload_without_parts_cannot_be_finished(place: Place) -> None:
    reference = place.begin()
    with pytest.raises(Invalid):
        place.store.finish_parts("uploads/one", reference)
    assert place.store.size("uploads/one") is None


@pytest.mark.parametrize("end", ["finish", "abort"])
def test_an_upload_that_has_ended_is_not_there_any_more(place: Place, end: str) -> None:
    reference = place.begin()
    place.send(reference, 1, b"abc")
    finish, abort = place.store.finish_parts, place.store.abort_parts
    (finish if end == "finish" else abort)("uploads/one", reference)
    assert place.store.size("uploads/one") == (3 if end == "finish" else None)
    for use in (place.store.parts, place.store.finish_parts):
        with pytest.raises(NotFound):
            use("uploads/one", reference)
    assert not place.send(reference, 2, b"late")


def test_aborting_what_nobody_knows_is_fine(place: Place) -> None:
    reference = place.begin()
    place.store.abort_parts("uploads/one", reference)
    place.store.abort_parts("uploads/one", reference)
    place.store.abort_parts("uploads/one", "never heard of")


def test_uploads_of_one_key_do_not_mix(place: Place) -> None:
    first, second = place.begin(), place.begin()
    place.send(first, 1, b"first")
    place.send(second, 1, b"second!")
    assert list(place.store.parts("uploads/one", first)) == [Part(1, 5)]
    place.store.abort_parts("uploads/one", first)
    place.store.finish_parts("uploads/one", second)
    assert place.store.size("uploads/one") == 7


NO_KEYS = ["", "/", "a//b", "/etc/passwd", "../up", "a/../../b", ".", "a/.", "a\x00b", "x" * 256]


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_is_no_key_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    uses: list[Callable[[str], object]] = [
        store.create,
        store.size,
        store.delete,
        store.path,
        lambda key: store.begin_parts(key, content_type=KIND),
        lambda key: store.parts(key, "reference"),
    ]
    for use in uses:
        with pytest.raises(Invalid):
            use(key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), max_size=50), max_size=4))
def test_any_other_key_comes_back_as_it_was(store: ObjectStore, parts: list[str]) -> None:
    key = "/".join(["audio", *(f"in {part}" for part in parts), "one"])
    _put(store, key, b"abc")
    assert key in list(store.keys())
    store.delete(key)
    assert store.size(key) is None
