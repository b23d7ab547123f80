"""An upload in parts: a file too large for one request, or for a line that breaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.domain.folders import Folder
from shared.domain.tags import Tag
from shared.domain.tasks import TranscribeOptions

#: Files up to this size go up in one piece, larger ones in parts of this size (S3 wants at least 5 MiB).
PART_BYTES = 16 * 1024 * 1024
#: An upload that has ended is remembered, so that a late message about it is understood.
UPLOAD_MEMORY = timedelta(days=7)
#: S3 takes no more parts than this.
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """Part `number` counts from 1; `size` in bytes."""

    number: int
    size: int


class UploadStatus(StrEnum):
    OPEN = "open"
    #: The bytes are there, and no recording has been made of them yet.
    COMPLETE = "complete"
    #: A recording has been made of it.
    USED = "used"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload; its id is also the uuid of the recording that comes of it.

    `reference` names the upload in parts at the object store; None where the file goes up in one piece. `recording` is
    what the recording is to be like that is made as soon as the bytes are there; None: the client makes it.
    """

    id: UUID
    user_id: int
    key: str
    reference: str | None
    filename: str
    content_type: str
    size: int
    part_size: int
    sha256: str | None
    recording: dict[str, Any] | None
    status: UploadStatus
    error_message: str | None
    created_at: datetime
    expires_at: datetime

    @property
    def plan(self) -> list[Part]:
        """The parts the file is cut into, in order: all of `part_size` but the last."""
        full, rest = divmod(self.size, self.part_size)
        sizes = [self.part_size] * full + ([rest] if rest else [])
        return [Part(number, size) for number, size in enumerate(sizes, 1)]


@dataclass(frozen=True, slots=True)
class Brought:
    """What a recording has from its upload, in full."""

    notes: str | None
    tags: Sequence[Tag]
    folder: Folder | None
    options: TranscribeOptions
    prompt_variables: Mapping[str, str]
