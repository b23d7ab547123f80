"""Objects as files in a folder, with addresses that expire: `<base_url><key>?expires=…&signature=…`.

Whatever else stands in the query of an address is signed, too: the size and type that an upload must have, its part.
"""

import contextlib
import errno
import hashlib
import hmac
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

from shared.domain.errors import Invalid, NotFound, TooLarge, Unauthenticated
from shared.domain.keys import checked_key
from shared.domain.uploads import Part

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BLOCK = 1024 * 1024


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
    """`base_url` is where workers reach these objects, `public_url` where clients do; `secret` signs the addresses."""

    def __init__(self, folder: Path, base_url: str, secret: bytes, public_url: str | None = None) -> None:
        self._folder = folder / "files"
        self._incoming = folder / "incoming"
        self._parts = folder / "parts"
        self._base_url = base_url
        self._public_url = public_url or base_url
        self._secret = secret
        for place in (folder, self._folder, self._incoming, self._parts):
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

    def download_url(self, key: str, *, seconds: int, content_type: str = "", disposition: str = "") -> str:
        said = {"type": content_type, "disposition": disposition}
        return self._url("GET", key, seconds, **{name: value for name, value in said.items() if value})

    def upload_url(self, key: str, *, content_type: str, size: int, seconds: int) -> str:
        return self._url("PUT", key, seconds, size=str(size), type=content_type)

    def begin_parts(self, key: str, *, content_type: str) -> str:  # noqa: ARG002 - rows know the type
        self._file(key)
        reference = uuid4().hex
        (self._parts / reference).mkdir()
        return reference

    def part_url(self, key: str, reference: str, number: int, *, size: int, seconds: int) -> str:
        return self._url("PUT", key, seconds, size=str(size), part=str(number), upload=reference)

    def create_part(self, reference: str, number: int) -> FolderWriter:
        """A writer for one part. Raises NotFound as `parts` does."""
        return FolderWriter(self._incoming / uuid4().hex, self._upload(reference) / str(number))

    def parts(self, key: str, reference: str) -> Sequence[Part]:
        self._file(key)
        return sorted(
            (Part(int(file.name), file.stat().st_size) for file in self._upload(reference).iterdir()),
            key=lambda part: part.number,
        )

    def finish_parts(self, key: str, reference: str) -> None:
        folder, parts = self._upload(reference), self.parts(key, reference)
        if not parts:
            raise Invalid("No part of this upload is there.")
        writer = self.create(key)
        try:
            for part in parts:
                with (folder / str(part.number)).open("rb") as file:
                    while block := file.read(_BLOCK):
                        writer.write(block)
        except FileNotFoundError as error:
            writer.abort()
            raise NotFound("Somebody else has finished this upload.") from error
        except BaseException:
            writer.abort()
            raise
        writer.commit()
        # A crash before this line leaves parts that the next call joins again, to the same object.
        self.abort_parts(key, reference)

    def abort_parts(self, key: str, reference: str) -> None:
        self._file(key)
        with contextlib.suppress(NotFound, FileNotFoundError):
            # First out of the way, whole: nobody is to find half of the parts and take them for all.
            gone = self._upload(reference).rename(self._incoming / uuid4().hex)
            shutil.rmtree(gone, ignore_errors=True)

    def _upload(self, reference: str) -> Path:
        try:
            folder = self._parts / UUID(hex=reference).hex
        except ValueError:
            folder = None
        if folder is None or not folder.is_dir():
            raise NotFound("There is no such upload in parts.")
        return folder

    def check(self, method: str, key: str, query: Mapping[str, str]) -> Mapping[str, str]:
        """What else was signed. Raises Unauthenticated unless this is an address of ours, for this method, that still
        holds."""
        bound = {name: value for name, value in query.items() if name not in ("expires", "signature")}
        expires, signature = query.get("expires", ""), query.get("signature", "")
        a_time = expires.isascii() and expires.isdigit()
        expected = self._sign(method, key, expires, bound)
        if not a_time or not hmac.compare_digest(signature.encode(), expected.encode()):
            raise Unauthenticated("The signature of this address is wrong.")
        if int(expires) < time.time():
            raise Unauthenticated("This address has expired.")
        return bound

    def remove_unfinished(self) -> None:
        """Drops uploads that a crash interrupted. Only while nobody uploads."""
        for left in self._incoming.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def _url(self, method: str, key: str, seconds: int, **bound: str) -> str:
        expires = str(int(time.time()) + seconds)
        signature = self._sign(method, key, expires, bound)
        base = self._base_url if method == "GET" else self._public_url
        return f"{base}{quote(key)}?{urlencode({'expires': expires, 'signature': signature, **bound})}"

    def _sign(self, method: str, key: str, expires: str, bound: Mapping[str, str]) -> str:
        message = f"{method}\n{key}\n{expires}\n{urlencode(sorted(bound.items()))}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def _file(self, key: str) -> Path:
        return self._folder.joinpath(*checked_key(key).split("/"))


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
