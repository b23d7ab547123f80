"""Which recordings have been kept long enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

#: In days: a time that is longer still would lead out of the calendar.
_LONGEST = 365_000


@dataclass(frozen=True, slots=True)
class Due:
    id: int
    created_at: datetime


# How long a recording is kept: what its tags say (the shortest), else its folder, else the server. Nothing that is
# younger than the shortest of all those times need be looked at: `created_at` has an index. (NULL is never the least:
# where nobody says anything it is :longest.)
_DUE = """
WITH shortest AS (
  SELECT least(
    CAST(:days AS integer),
    (SELECT min(retention_days) FROM folders WHERE retention_days > 0),
    (SELECT min(retention_days) FROM tags WHERE retention_days > 0)) AS days)
SELECT recordings.id, recordings.created_at
FROM recordings
LEFT JOIN folders ON folders.id = recordings.folder_id
LEFT JOIN LATERAL (
  SELECT min(tags.retention_days) FILTER (WHERE tags.retention_days > 0) AS days,
    bool_or(tags.protect_from_deletion OR tags.retention_days = -1) AS protected
  FROM recording_tags JOIN tags ON tags.id = recording_tags.tag_id
  WHERE recording_tags.recording_id = recordings.id) AS tagged ON true
WHERE recordings.audio_deleted_at IS NULL
  AND NOT recordings.deletion_exempt
  AND recordings.created_at < :now - make_interval(days => (SELECT least(days, :longest) FROM shortest))
  AND recordings.created_at < :now - make_interval(days => least(:longest, coalesce(
    tagged.days, CASE WHEN folders.retention_days > 0 THEN folders.retention_days END, CAST(:days AS integer))))
  AND NOT coalesce(folders.protect_from_deletion OR folders.retention_days = -1, false)
  AND NOT coalesce(tagged.protected, false)
  AND NOT EXISTS (
    SELECT FROM jobs
    WHERE jobs.recording_id = recordings.id AND jobs.status IN ('queued', 'running', 'paused'))
"""
_NEXT = """
  AND (recordings.created_at, recordings.id) > (:created_at, :id)
ORDER BY recordings.created_at, recordings.id LIMIT :limit
"""
_ONE = " AND recordings.id = :id"


def due(tx: Connection, now: datetime, days: int | None, after: Due | None, *, limit: int = 100) -> Sequence[Due]:
    """The oldest recordings whose time is over, those after `after`. `days` is what the server says, if anything."""
    begin = after or Due(0, datetime.min.replace(tzinfo=UTC))
    values = {"created_at": begin.created_at, "id": begin.id, "limit": limit}
    rows = tx.execute(text(_DUE + _NEXT), {**values, "now": now, "days": days, "longest": _LONGEST})
    return [Due(row.id, row.created_at) for row in rows]


def is_due(tx: Connection, recording_id: int, now: datetime, days: int | None) -> bool:
    values = {"id": recording_id, "now": now, "days": days, "longest": _LONGEST}
    return tx.execute(text(_DUE + _ONE), values).one_or_none() is not None
