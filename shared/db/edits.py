"""Changes to several recordings at once, and what an upload has brought along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from shared.db import named
from shared.db.jobs import options_from
from shared.db.tables import jobs, recordings
from shared.domain.tasks import TranscribeOptions


@dataclass(frozen=True, slots=True)
class Held:
    """As much of a recording as an edit of many has to know."""

    user_id: int
    title: str


@dataclass(frozen=True, slots=True)
class BroughtRow:
    """`options` are those of the latest job."""

    notes: str | None
    prompt_variables: Mapping[str, str]
    options: TranscribeOptions


def lock(tx: Connection, user_id: int, recording_ids: Sequence[int]) -> dict[int, Held]:
    """Those of the recordings that are there, by id; the user's own are locked."""
    asked = named.possible(recording_ids)
    statement = select(recordings.c.id, recordings.c.user_id, recordings.c.title).where(recordings.c.id.in_(asked))
    mine = statement.where(recordings.c.user_id == user_id).order_by(recordings.c.id).with_for_update()
    found = list(tx.execute(mine))
    if len(found) < len(asked):
        found += tx.execute(statement.where(recordings.c.user_id != user_id))
    return {row.id: Held(row.user_id, row.title) for row in found}


def change(tx: Connection, recording_ids: Sequence[int], values: Mapping[str, Any]) -> None:
    if values and recording_ids:
        tx.execute(update(recordings).where(recordings.c.id.in_(recording_ids)).values(**values))


def brought(tx: Connection, recording_id: int) -> BroughtRow | None:
    latest = select(jobs.c.options).where(jobs.c.recording_id == recordings.c.id).order_by(jobs.c.id.desc()).limit(1)
    row = tx.execute(
        select(recordings.c.notes, recordings.c.prompt_variables, latest.scalar_subquery().label("options")).where(
            recordings.c.id == recording_id
        )
    ).one_or_none()
    return None if row is None else BroughtRow(row.notes, row.prompt_variables, options_from(row.options or {}))
