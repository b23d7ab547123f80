"""Objects in an S3 bucket: written in parts, read and uploaded at presigned addresses."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shared.adapters import aws
from shared.domain.errors import HansardError, Invalid, NotFound, TooLarge, Unavailable
from shared.domain.keys import checked_key
from shared.domain.uploads import Part

logger = logging.getLogger("hansard.objects")

#: S3 wants at least 5 MiB in every part but the last.
_PART_BYTES = 8 * 1024 * 1024


class S3Writer:
    """Keeps at most one part in memory. What fits into one part is one request, all else an upload in parts."""

    def __init__(self, store: "S3Store", key: str) -> None:
        self._store = store
        self._key = key
        self._buffer = bytearray()
        self._reference: str | None = None
        self._sent: list[Mapping[str, Any]] = []

    def write(self, data: bytes) -> None:
        """Raises Unavailable, TooLarge."""
        rest = memoryview(data)
        while rest:
            if len(self._buffer) == _PART_BYTES:
                self._send()
            taken = rest[: _PART_BYTES - len(self._buffer)]
            self._buffer += taken
            rest = rest[len(taken) :]

    def commit(self) -> None:
        """Raises Unavailable, TooLarge; then nothing is left."""
        try:
            if self._reference is None:
                self._store.put(self._key, self._buffer)
            else:
                self._send()
                self._store.join(self._key, self._reference, self._sent)
        except HansardError:
            self.abort()
            raise
        self._forget()

    def abort(self) -> None:
        """Raises nothing: parts that cannot be dropped now the bucket forgets by its lifecycle rule."""
        reference = self._reference
        self._forget()
        if reference is not None:
            try:
                self._store.abort_parts(self._key, reference)
            except Unavailable:
                logger.warning("the parts of %s stay until the bucket's lifecycle rule drops them", self._key)

    def _send(self) -> None:
        if self._reference is None:
            self._reference = self._store.begin_parts(self._key, content_type="application/octet-stream")
        self._sent.append(self._store.put_part(self._key, self._reference, len(self._sent) + 1, self._buffer))
        self._buffer = bytearray()

    def _forget(self) -> None:
        self._buffer, self._reference, self._sent = bytearray(), None, []


class S3Store:
    """`client` gives an S3 client that signs with Signature Version 4."""

    def __init__(self, bucket: str, client: Callable[[], Any] = lambda: aws.client("s3")) -> None:
        self._bucket = bucket
        self._client = client

    def create(self, key: str) -> S3Writer:
        return S3Writer(self, checked_key(key))

    def put(self, key: str, data: bytes | bytearray) -> None:
        """One whole object. Raises Unavailable, TooLarge."""
        with _asked():
            self._client().put_object(**self._at(key), Body=data)

    def size(self, key: str) -> int | None:
        place = self._at(key)
        try:
            with _asked():
                return self._client().head_object(**place)["ContentLength"]
        except NotFound:
            return None

    def delete(self, key: str) -> None:
        with _asked():
            self._client().delete_object(**self._at(key))

    def keys(self) -> Sequence[str]:
        with _asked():
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
            return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def path(self, key: str) -> None:
        checked_key(key)

    def download_url(self, key: str, *, seconds: int, content_type: str = "", disposition: str = "") -> str:
        """Raises Unavailable when there are no credentials to sign with, as all that sign."""
        said = {"ResponseContentType": content_type, "ResponseContentDisposition": disposition}
        return self._address("get_object", key, seconds, **{name: value for name, value in said.items() if value})

    def upload_url(self, key: str, *, content_type: str, size: int, seconds: int) -> str:
        return self._address("put_object", key, seconds, ContentType=content_type, ContentLength=size)

    def begin_parts(self, key: str, *, content_type: str) -> str:
        with _asked():
            return self._client().create_multipart_upload(**self._at(key), ContentType=content_type)["UploadId"]

    def part_url(self, key: str, reference: str, number: int, *, size: int, seconds: int) -> str:
        return self._address("upload_part", key, seconds, UploadId=reference, PartNumber=number, ContentLength=size)

    def put_part(self, key: str, reference: str, number: int, data: bytes | bytearray) -> Mapping[str, Any]:
        """Sends a part from here; returns how S3 knows it, for `join`. Raises NotFound, Unavailable, TooLarge."""
        with _asked():
            sent = self._client().upload_part(**self._at(key), UploadId=reference, PartNumber=number, Body=data)
        return {"PartNumber": number, "ETag": sent["ETag"], "Size": len(data)}

    def parts(self, key: str, reference: str) -> Sequence[Part]:
        return [Part(part["PartNumber"], part["Size"]) for part in self._listed(key, reference)]

    def finish_parts(self, key: str, reference: str) -> None:
        listed = self._listed(key, reference)
        if not listed:
            raise Invalid("No part of this upload is there.")
        self.join(key, reference, listed)

    def join(self, key: str, reference: str, parts: Sequence[Mapping[str, Any]]) -> None:
        """Makes one object of parts with their PartNumber, ETag and Size. Raises NotFound, Invalid, Unavailable."""
        named = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        try:
            with _asked():
                self._client().complete_multipart_upload(
                    **self._at(key), UploadId=reference, MultipartUpload={"Parts": named}
                )
        except NotFound:
            # The answer to the first try got lost, or somebody else was faster: it is done all the same.
            if self.size(key) != sum(part["Size"] for part in parts):
                raise

    def abort_parts(self, key: str, reference: str) -> None:
        try:
            with _asked():
                self._client().abort_multipart_upload(**self._at(key), UploadId=reference)
        except NotFound:
            pass

    def _listed(self, key: str, reference: str) -> list[Mapping[str, Any]]:
        with _asked():
            pages = self._client().get_paginator("list_parts").paginate(**self._at(key), UploadId=reference)
            return [part for page in pages for part in page.get("Parts", ())]

    def _address(self, operation: str, key: str, seconds: int, **bound: object) -> str:
        """What is `bound` is signed: another size or type is refused."""
        with _asked():
            return self._client().generate_presigned_url(
                operation, Params={**self._at(key), **bound}, ExpiresIn=seconds
            )

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": checked_key(key)}


_NOT_FOUND = ("404", "NoSuchKey", "NoSuchUpload")
_INVALID = {
    "EntityTooSmall": "A part is smaller than 5 MiB and not the last.",
    "InvalidPart": "A part changed while the upload was finished.",
    "InvalidPartOrder": "The parts are not in order.",
}


@contextmanager
def _asked() -> Iterator[None]:
    """Says what S3 refuses, and that it does not answer, in the errors of the domain."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _told(error.response["Error"]["Code"], error) from error
    except BotoCoreError as error:
        logger.warning("S3: %s", error)
        raise Unavailable(f"The object store does not answer ({type(error).__name__}).") from error


def _told(code: str, error: Exception) -> HansardError:
    if code in _NOT_FOUND:
        return NotFound("There is no such object or upload.")
    if code in _INVALID:
        return Invalid(_INVALID[code])
    if code == "EntityTooLarge":
        return TooLarge("The object is larger than the object store takes.")
    logger.warning("S3: %s", error)
    return Unavailable(f"The object store does not do this now ({code}).")
