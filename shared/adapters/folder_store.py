"""Objects as files in a folder, with addresses that expire: `<base_url><key>?expires=…&signature=…`."""

import contextlib
import errno
import hashlib
import hmac
import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from shared.domain.errors import Invalid, TooLarge, Unauthenticated

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderWriter:
    """Writes beside the folder of finished objects and moves the file there when it is whole and on the disk."""

    def __init__(self, unfinished: Path, final: Path) -> None:
        self._unfinished = unfinished
        self._final = final
        self._file = unfinished.open("wb")

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _told(error) from error

    def commit(self) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._unfinished.rename(self._final)
            _sync_folder(self._final.parent)
        except OSError as error:
            self.abort()
            raise _told(error) from error

    def abort(self) -> None:
        # Closing flushes, and a full disk says so once more; the file goes away all the same.
        with contextlib.suppress(OSError):
            self._file.close()
        self._unfinished.unlink(missing_ok=True)


class FolderStore:
    """`base_url` is where the server answers for these objects; `secret` signs the addresses."""

    def __init__(self, folder: Path, base_url: str, secret: bytes) -> None:
        self._folder = folder / "files"
        self._incoming = folder / "incoming"
        self._base_url = base_url
        self._secret = secret
        for place in (folder, self._folder, self._incoming):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, key: str) -> FolderWriter:
        try:
            return FolderWriter(self._incoming / uuid4().hex, self._file(key))
        except OSError as error:
            raise _told(error) from error

    def size(self, key: str) -> int | None:
        file = self._file(key)
        return file.stat().st_size if file.is_file() else None

    def delete(self, key: str) -> None:
        self._file(key).unlink(missing_ok=True)

    def keys(self) -> Sequence[str]:
        return [str(file.relative_to(self._folder)) for file in self._folder.rglob("*") if file.is_file()]

    def path(self, key: str) -> Path | None:
        file = self._file(key)
        return file if file.is_file() else None

    def download_url(self, key: str, *, seconds: int) -> str:
        return self._url("GET", key, seconds)

    def upload_url(self, key: str, *, seconds: int) -> str:
        return self._url("PUT", key, seconds)

    def check(self, method: str, key: str, expires: str, signature: str) -> None:
        """Raises Unauthenticated unless this is an address of ours, for this method, that still holds."""
        a_time = expires.isascii() and expires.isdigit()
        if not a_time or not hmac.compare_digest(signature.encode(), self._sign(method, key, expires).encode()):
            raise Unauthenticated("The signature of this address is wrong.")
        if int(expires) < time.time():
            raise Unauthenticated("This address has expired.")

    def remove_unfinished(self) -> None:
        """Drops uploads that a crash interrupted. Only while nobody uploads."""
        for file in self._incoming.iterdir():
            file.unlink(missing_ok=True)

    def _url(self, method: str, key: str, seconds: int) -> str:
        expires = str(int(time.time()) + seconds)
        return f"{self._base_url}{quote(key)}?expires={expires}&signature={self._sign(method, key, expires)}"

    def _sign(self, method: str, key: str, expires: str) -> str:
        message = f"{method}\n{key}\n{expires}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def _file(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\x00" in part or len(part.encode()) > 255 for part in parts):
            raise Invalid("This is not the key of an object.")
        return self._folder.joinpath(*parts)


def _told(error: OSError) -> Exception:
    if error.errno in _FULL:
        return TooLarge("The server has no space left for this upload.")
    return error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
