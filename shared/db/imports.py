"""What was brought over from another server, and what became of it here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import calendar_events, folders, imports, participants, recording_tags, speakers, tags
from shared.domain.imports import Appointment, Kind, Label, Participant, Person

_TABLES = {Kind.TAG: tags, Kind.FOLDER: folders, Kind.SPEAKER: speakers}


def known(tx: Connection, user_id: int, source: str, kind: Kind) -> dict[int, int]:
    """Our ids by theirs; what has been deleted here since is still among them."""
    rows = tx.execute(
        select(imports.c.foreign_id, imports.c.own_id).where(
            imports.c.user_id == user_id, imports.c.source == source, imports.c.kind == kind
        )
    )
    return {row.foreign_id: row.own_id for row in rows}


def note(tx: Connection, user_id: int, source: str, kind: Kind, foreign_id: int, own_id: int) -> bool:
    """Says whether it was new: another run may have been faster."""
    statement = upsert(imports).values(user_id=user_id, source=source, kind=kind, foreign_id=foreign_id, own_id=own_id)
    return tx.execute(statement.on_conflict_do_nothing().returning(imports.c.own_id)).one_or_none() is not None


def holding(tx: Connection, kind: Kind, ids: Sequence[int]) -> set[int]:
    """Which of the rows are still there; they stay until the transaction ends."""
    if not ids:
        return set()
    table = _TABLES[kind]
    statement = select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id)
    return set(tx.execute(statement.with_for_update(read=True, key_share=True)).scalars())


def ensure_label(tx: Connection, user_id: int, kind: Kind, label: Label) -> int:
    """The user's own tag or folder of that name, made if new."""
    table = _TABLES[kind]
    mine = select(table.c.id).where(table.c.user_id == user_id, table.c.group_id.is_(None), table.c.name == label.name)
    statement = upsert(table).values(user_id=user_id, name=label.name, **label.values)
    made = tx.execute(statement.on_conflict_do_nothing().returning(table.c.id)).scalar_one_or_none()
    return tx.execute(mine).scalar_one() if made is None else made


def ensure_speaker(tx: Connection, user_id: int, person: Person) -> int:
    """The user's speaker of that name, made if new."""
    mine = select(speakers.c.id).where(speakers.c.user_id == user_id, speakers.c.name == person.name)
    statement = upsert(speakers).values(
        user_id=user_id, name=person.name, use_count=person.use_count, last_used_at=person.last_used_at
    )
    made = tx.execute(statement.on_conflict_do_nothing().returning(speakers.c.id)).scalar_one_or_none()
    return tx.execute(mine).scalar_one() if made is None else made


def add_tags(tx: Connection, recording_id: int, tag_ids: Sequence[int]) -> None:
    if tag_ids:
        tx.execute(insert(recording_tags), [{"recording_id": recording_id, "tag_id": each} for each in tag_ids])


def add_participants(
    tx: Connection, recording_id: int, people: Sequence[Participant], speaker_ids: Mapping[str, int]
) -> None:
    """`speaker_ids` are those of the speakers by their names, as far as there are any."""
    rows: list[dict[str, Any]] = [
        {"recording_id": recording_id, **asdict(each), "speaker_id": speaker_ids.get(each.name)} for each in people
    ]
    if rows:
        tx.execute(insert(participants), rows)


def speaker_ids(tx: Connection, user_id: int, names: Sequence[str]) -> dict[str, int]:
    """The user's speakers of these names; they stay until the transaction ends."""
    if not names:
        return {}
    found = select(speakers.c.name, speakers.c.id).where(speakers.c.user_id == user_id, speakers.c.name.in_(names))
    locked = found.order_by(speakers.c.id).with_for_update(read=True, key_share=True)
    return {row.name: row.id for row in tx.execute(locked)}


def add_appointments(tx: Connection, recording_id: int, new: Sequence[Appointment]) -> None:
    if new:
        rows = [{**asdict(each), "recording_id": recording_id, "attendees": list(each.attendees)} for each in new]
        tx.execute(insert(calendar_events), rows)
