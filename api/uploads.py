"""A multipart body on its way into the object store: streamed, hashed and counted, never whole in memory."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message

import multipart
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from shared.domain.errors import HansardError, Invalid, TooLarge
from shared.domain.limits import Limits
from shared.ports import ObjectWriter
from shared.services.core import Core
from shared.services.ingest import StoredUpload, new_upload_place

_BLOCK = 1024 * 1024
#: All text fields together: the longest that is allowed, thrice, in characters of four bytes.
_TEXT_BYTES = 1200 * 1024
_PARTS = 1000
#: How long a client whose upload was refused may go on sending, so that it gets to read the answer.
_DRAIN_SECONDS = 30


@dataclass(slots=True)
class Form:
    """The text fields of a form, and the file if there was one; that is in the store but belongs to nobody yet."""

    fields: dict[str, str] = field(default_factory=dict)
    upload: StoredUpload | None = None


async def receive(request: Request, core: Core) -> Form:
    """Reads the whole form. Raises Invalid or TooLarge, and then nothing is stored."""
    reader = _Reader(core)
    body = _body(request)
    try:
        _check_length(request, core.limits)
        boundary = _boundary(request)
    except HansardError:
        # Who asks before sending hears the answer without sending.
        if request.headers.get("expect", "").lower() != "100-continue":
            await _drain(body)
        raise
    try:
        with multipart.PushMultipartParser(boundary, max_segment_count=_PARTS) as parser:
            async for chunk in body:
                for event in parser.parse(chunk):
                    await reader.take(event)
    except multipart.MultipartError as error:
        await reader.abort()
        await _drain(body)
        raise Invalid(f"The form is broken or incomplete: {error}.") from error
    except HansardError:
        await reader.abort()
        await _drain(body)
        raise
    except BaseException:
        await reader.abort()
        raise
    return reader.form


class _Reader:
    """Takes the parser's events: a segment begins, bytes, None at its end."""

    def __init__(self, core: Core) -> None:
        self.form = Form()
        self._core = core
        self._segment: multipart.MultipartSegment | None = None
        self._text = bytearray()
        self._text_bytes = 0
        self._file: _File | None = None

    async def take(self, event: multipart.MultipartSegment | bytearray | bytes | None) -> None:
        if isinstance(event, multipart.MultipartSegment):
            self._segment = event
            if event.name == "file" and event.filename and self.form.upload is None:
                self._file = await run_in_threadpool(_File, self._core, event)
        elif event is not None:
            await self._data(bytes(event))
        else:
            await self._end()

    async def _data(self, data: bytes) -> None:
        if self._file is not None:
            await self._file.write(data)
        elif self._is_text():
            self._text += data
            self._text_bytes += len(data)
            if self._text_bytes > _TEXT_BYTES:
                raise TooLarge(f"The text of the form is longer than {_TEXT_BYTES // 1024} KiB.")

    async def _end(self) -> None:
        if self._file is not None:
            self.form.upload = await self._file.finish()
            self._file = None
        elif self._is_text():
            try:
                self.form.fields[self._name()] = self._text.decode()
            except UnicodeDecodeError as error:
                raise Invalid(f"The field {self._name()} is not UTF-8 text.") from error
            self._text.clear()

    async def abort(self) -> None:
        if self._file is not None:
            await self._file.abort()
        if self.form.upload is not None:
            await run_in_threadpool(self._core.objects.delete, self.form.upload.key)

    def _is_text(self) -> bool:
        return self._segment is not None and self._segment.filename is None

    def _name(self) -> str:
        return (self._segment.name if self._segment else None) or ""


class _File:
    """The file part, written in blocks by another thread while the event loop reads on."""

    def __init__(self, core: Core, segment: multipart.MultipartSegment) -> None:
        self._limit = core.limits.upload_bytes
        self._segment = segment
        self._uuid, self._key = new_upload_place(core)
        self._writer: ObjectWriter = core.objects.create(self._key)
        self._hash = hashlib.sha256()
        self._size = 0
        self._block = bytearray()

    async def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._block += data
        if len(self._block) >= _BLOCK:
            await self._flush()

    async def finish(self) -> StoredUpload:
        await self._flush()
        await run_in_threadpool(self._writer.commit)
        return StoredUpload(
            uuid=self._uuid,
            key=self._key,
            size=self._size,
            sha256=self._hash.hexdigest(),
            filename=self._segment.filename or "",
            content_type=self._segment.content_type or "application/octet-stream",
        )

    async def abort(self) -> None:
        await run_in_threadpool(self._writer.abort)

    async def _flush(self) -> None:
        block = bytes(self._block)
        self._block.clear()
        await run_in_threadpool(self._keep, block)

    def _keep(self, block: bytes) -> None:
        self._hash.update(block)
        self._writer.write(block)


def _boundary(request: Request) -> str:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise Invalid("Send a multipart/form-data body with a part named file.")
    return boundary


def _check_length(request: Request, limits: Limits) -> None:
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdigit() else 0
    # The form around the file is small; what is larger than this cannot hold an allowed file.
    if size > limits.upload_bytes + _BLOCK + _TEXT_BYTES:
        raise _too_large(limits.upload_bytes)
    if limits.request_bytes is not None and size > limits.request_bytes:
        raise _too_large_for_one_request(limits)


def _too_large(limit: int) -> TooLarge:
    megabytes = limit / 1024 / 1024
    return TooLarge(
        f"The file is larger than the {megabytes:g} MB that this server takes.",
        max_size_mb=megabytes,
        effective_limit_mb=megabytes,
        audio_only_mode=False,
    )


def _too_large_for_one_request(limits: Limits) -> TooLarge:
    at_once = (limits.request_bytes or 0) / 1024 / 1024
    return TooLarge(
        f"One request may bring {at_once:g} MB. Send larger files to the addresses that POST /uploads gives, then call "
        "this again with the upload_id in place of the file.",
        max_size_mb=limits.upload_bytes / 1024 / 1024,
        effective_limit_mb=at_once,
        audio_only_mode=False,
        uploads="/uploads",
    )


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise Invalid("The upload broke off.") from error


async def _drain(body: AsyncIterator[bytes]) -> None:
    """A server that closes before the client has sent everything is taken for a broken connection, not an answer."""
    with contextlib.suppress(TimeoutError, HansardError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass
