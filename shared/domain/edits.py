"""What people change by hand on a recording, or on many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from shared.domain.recordings import Recording

PARTICIPANTS_LENGTH = 500
RECORDINGS_AT_ONCE = 500
#: Of what takes transactions of its own for each, and a request has 29 s on AWS.
ONE_BY_ONE_AT_ONCE = 100


class Changes(TypedDict, total=False):
    """What is given is changed. `participants` are names with commas between them."""

    title: str
    participants: str | None
    notes: str | None
    summary: str | None
    meeting_date: datetime | None
    is_inbox: bool
    is_highlighted: bool
    folder_id: int | None


#: The order in which an edit says what it has changed.
FIELDS = tuple(Changes.__annotations__)


@dataclass(frozen=True, slots=True)
class Edited:
    """A recording after an edit, with its texts."""

    recording: Recording
    notes: str | None
    summary: str | None


@dataclass(frozen=True, slots=True)
class Updates:
    """The same for many: `columns` holds those of is_inbox, is_highlighted and folder_id that are to change."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    add_tags: Sequence[int] = ()
    remove_tags: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one of many. `id` is what was sent, be it the id of a recording or not; `error` None means that it is done."""

    id: object
    error: str | None = None
    job_id: int | None = None
