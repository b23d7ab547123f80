"""Connections of watchers, within the limits of API Gateway: 2 hours, 128 KB a message, text only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.events import Event

#: API Gateway ends a connection after this time.
CONNECTION_TIME = timedelta(hours=2)
#: The largest message it takes, in bytes of UTF-8, in either direction.
MESSAGE_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Watcher:
    """A connection; it has been told the log up to `after_seq`, for the last time at `sent_at`."""

    id: str
    dialect: str
    after_seq: int
    sent_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A dialect's words, as JSON texts: for an event (None: it has no word for it), for one that is too long for a
    message (there is more to read), and for a recording that is gone."""

    event: Callable[[Event], str | None]
    hint: Callable[[Event], str]
    gone: str
