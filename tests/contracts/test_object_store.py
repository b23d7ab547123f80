"""What every ObjectStore does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.folder_store import FolderStore
from shared.domain.errors import Invalid
from shared.ports import ObjectStore
from tests.support.fakes import MemoryStore


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    make: dict[str, Callable[[], ObjectStore]] = {
        "folder": lambda: FolderStore(tmp_path / "objects", "http://here/objects/", b"secret"),
        "memory": MemoryStore,
    }
    return make[request.param]()


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


def test_an_aborted_object_leaves_nothing(store: ObjectStore) -> None:
    writer = store.create("audio/one")
    writer.write(b"abc")
    writer.abort()
    writer.abort()
    assert (store.size("audio/one"), list(store.keys())) == (None, [])


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
    addresses = {
        store.download_url("audio/one", seconds=60),
        store.upload_url("audio/one", seconds=60),
        store.download_url("audio/two", seconds=60),
        store.upload_url("audio/two", seconds=60),
    }
    assert len(addresses) == 4


@pytest.mark.parametrize("key", ["", "/", "a//b", "/etc/passwd", "../up", "a/../../b", ".", "a/.", "a\x00b", "x" * 256])
def test_what_is_no_key_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    for use in (store.create, store.size, store.delete, store.path):
        with pytest.raises(Invalid):
            use(key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), max_size=50), max_size=5))
def test_any_other_key_comes_back_as_it_was(store: ObjectStore, parts: list[str]) -> None:
    key = "/".join(["audio", *(f"in {part}" for part in parts), "one"])
    _put(store, key, b"abc")
    assert key in list(store.keys())
    store.delete(key)
    assert store.size(key) is None
