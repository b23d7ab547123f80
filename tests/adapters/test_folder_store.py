"""The folder store: atomic, private, full at times, and its addresses over a real server."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from shared.adapters.folder_store import FolderStore
from shared.domain.errors import Unauthenticated
from tests.support.server import ROOT, Server


@pytest.fixture
def served(server: Server) -> Iterator[FolderStore]:
    """The very store of a running server, so that its addresses can be asked for."""
    folder, secret = server.data_dir / "objects", (server.data_dir / "secret").read_text()
    store = FolderStore(folder, f"{server.url}/objects/", secret.encode())
    writer = store.create("test/hello")
    writer.write(b"0123456789")
    writer.commit()
    yield store
    # What no recording knows would be an orphan at the next start.
    for key in list(store.keys()):
        if key.startswith("test/"):
            store.delete(key)


def test_the_folder_is_private(tmp_path: Path) -> None:
    FolderStore(tmp_path / "objects", "", b"")
    for folder in (tmp_path / "objects", tmp_path / "objects" / "files", tmp_path / "objects" / "incoming"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_crash_interrupted_is_removed(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from shared.adapters.folder_store import FolderStore
writer = FolderStore(Path(sys.argv[1]), "", b"").create("audio/half")
writer.write(bytes(100_000))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1
    store = FolderStore(tmp_path, "", b"")
    assert list(store.keys()) == []
    store.remove_unfinished()
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_an_upload_for_which_there_is_no_room_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
from shared.adapters.folder_store import FolderStore
from shared.domain.errors import TooLarge
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
writer = FolderStore(Path(sys.argv[1]), "", b"").create("audio/large")
try:
    for _ in range(100):
        writer.write(bytes(5000))
    writer.commit()
except TooLarge as error:
    writer.abort()
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("The server has no space left for this upload.\n", "")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_an_address_gives_the_object_whole_and_in_parts(served: FolderStore) -> None:
    url = served.download_url("test/hello", seconds=60)
    assert httpx2.get(url).content == b"0123456789"
    part = httpx2.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert httpx2.get(url, headers={"Range": "bytes=-3"}).content == b"789"
    assert httpx2.get(url, headers={"Range": "bytes=50-60"}).status_code == 416


def test_an_address_takes_an_object(served: FolderStore) -> None:
    url = served.upload_url("test/new", content_type="audio/wav", size=3_000_000, seconds=60)
    assert httpx2.put(url, content=b"x" * 3_000_000, headers={"Content-Type": "audio/wav"}).status_code == 204
    assert served.size("test/new") == 3_000_000


def test_an_address_for_reading_does_not_write_and_the_other_way_round(served: FolderStore) -> None:
    assert httpx2.put(served.download_url("test/hello", seconds=60), content=b"other").status_code == 401
    assert httpx2.get(_upload_url(served, "test/hello")).status_code == 401
    assert served.size("test/hello") == 10


def _upload_url(store: FolderStore, key: str) -> str:
    return store.upload_url(key, content_type="audio/wav", size=3, seconds=60)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("text/plain", b"abc", 400), ("audio/wav", b"ab", 400), ("audio/wav", b"abcd", 413), ("audio/wav", b"abc", 204)],
)
def test_an_address_takes_what_it_was_made_for(served: FolderStore, kind: str, body: bytes, status: int) -> None:
    url = _upload_url(served, f"test/bound {kind} {len(body)}")
    assert httpx2.put(url, content=body, headers={"Content-Type": kind}).status_code == status


def test_what_an_address_was_made_for_cannot_be_changed(served: FolderStore) -> None:
    url = _upload_url(served, "test/bound").replace("size=3", "size=4")
    assert httpx2.put(url, content=b"abcd", headers={"Content-Type": "audio/wav"}).status_code == 401


def test_an_address_that_has_run_out_is_refused(served: FolderStore) -> None:
    assert httpx2.get(served.download_url("test/hello", seconds=-1)).status_code == 401


def test_an_address_of_what_is_not_there_is_404(served: FolderStore) -> None:
    assert httpx2.get(served.download_url("test/nothing", seconds=60)).status_code == 404


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("test/hello", "test/other"),
        ("test/hello", "test/%2E%2E/test/hello"),
        ("expires=", "expires=9"),
        ("expires=", "expires=%2B"),
        ("expires=", "expires=%C2%B2"),
        ("signature=", "signature=0"),
        ("signature=", "signature=%C3%A9"),
        ("signature=", "signature=&x="),
    ],
)
def test_an_address_that_was_tampered_with_is_refused(served: FolderStore, part: str, instead: str) -> None:
    url = served.download_url("test/hello", seconds=60).replace(part, instead, 1)
    assert httpx2.get(url).status_code == 401


def test_another_secret_signs_nothing_here(served: FolderStore, server: Server) -> None:
    stranger = FolderStore(server.data_dir / "objects", f"{server.url}/objects/", b"guessed")
    assert httpx2.get(stranger.download_url("test/hello", seconds=60)).status_code == 401


@pytest.mark.parametrize("expires", ["", "soon", "1e99", "-1", "²", "9" * 5000])
def test_a_time_that_is_none_is_refused(tmp_path: Path, expires: str) -> None:
    store = FolderStore(tmp_path, "", b"secret")
    with pytest.raises(Unauthenticated):
        store.check("GET", "audio/one", {"expires": expires, "signature": "0" * 64})


def test_an_address_says_what_the_object_is_to_be_served_as(served: FolderStore) -> None:
    named = "attachment; filename*=UTF-8''%C3%BCber%20alles.mp3"
    url = served.download_url("test/hello", seconds=60, content_type="audio/mpeg", disposition=named)
    headers = httpx2.get(url).headers
    assert (headers["content-type"], headers["content-disposition"]) == ("audio/mpeg", named)
    assert httpx2.get(url.replace("audio%2Fmpeg", "text%2Fhtml")).status_code == 401
