"""People whom users know, and which labels of which recordings are theirs.

Lock order: recordings before speakers; several speakers in the order of their names.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    collate,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from shared.db.tables import participants, recordings, segments, speakers, voice_profiles
from shared.domain.speakers import Label, Speaker, confidence

_COLUMNS = (
    speakers.c.id,
    speakers.c.user_id,
    speakers.c.name,
    speakers.c.use_count,
    speakers.c.last_used_at,
    speakers.c.created_at,
)


def of_user(tx: Connection, user_id: int) -> list[Speaker]:
    """The most used first. How well a voice is known is what the engine knows that has heard it most."""
    best = (
        select(voice_profiles.c.samples, voice_profiles.c.similarities)
        .where(voice_profiles.c.speaker_id == speakers.c.id)
        .order_by(voice_profiles.c.samples.desc(), voice_profiles.c.kind)
        .limit(1)
        .lateral()
    )
    rows = tx.execute(
        select(*_COLUMNS, best.c.samples, best.c.similarities)
        .join_from(speakers, best, true(), isouter=True)
        .where(speakers.c.user_id == user_id)
        .order_by(speakers.c.use_count.desc(), speakers.c.last_used_at.desc().nulls_last(), speakers.c.name)
    )
    return [
        Speaker(*row, confidence=None if samples is None else confidence(samples, similarities))
        for *row, samples, similarities in rows
    ]


def by_id(tx: Connection, speaker_id: int, *, lock: bool = False) -> Speaker | None:
    """Without the voice."""
    statement = select(*_COLUMNS).where(speakers.c.id == speaker_id)
    row = tx.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else Speaker(*row)


def add(tx: Connection, user_id: int, name: str) -> Speaker | None:
    """None when the user knows somebody of that name."""
    statement = upsert(speakers).values(user_id=user_id, name=name).on_conflict_do_nothing().returning(*_COLUMNS)
    row = tx.execute(statement).one_or_none()
    return None if row is None else Speaker(*row)


def rename(tx: Connection, speaker_id: int, name: str) -> bool:
    """False when the name is taken; the transaction cannot go on then."""
    try:
        tx.execute(update(speakers).where(speakers.c.id == speaker_id).values(name=name))
    except IntegrityError:
        return False
    return True


def remove(tx: Connection, speaker_id: int) -> None:
    """Recordings keep the name."""
    tx.execute(delete(speakers).where(speakers.c.id == speaker_id))


def use(tx: Connection, user_id: int, names: Collection[str], now: datetime) -> dict[str, int]:
    """Counts one use of each of the user's people of these names, who are made if new; their ids, locked."""
    if not names:
        return {}
    rows = [{"user_id": user_id, "name": name, "use_count": 1, "last_used_at": now} for name in sorted(names)]
    statement = upsert(speakers).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=[speakers.c.user_id, speakers.c.name],
        set_={"use_count": speakers.c.use_count + 1, "last_used_at": now},
    )
    return {name: speaker_id for speaker_id, name in tx.execute(statement.returning(speakers.c.id, speakers.c.name))}


def use_known(tx: Connection, speaker_ids: Collection[int], now: datetime) -> dict[int, str]:
    """As `use`, by id: the names of those who are still there."""
    if not speaker_ids:
        return {}
    # The order that Python sorts in.
    known = select(speakers.c.id).where(speakers.c.id.in_(speaker_ids)).order_by(collate(speakers.c.name, "C"))
    held = list(tx.execute(known.with_for_update(key_share=True)).scalars())
    statement = update(speakers).where(speakers.c.id.in_(held))
    statement = statement.values(use_count=speakers.c.use_count + 1, last_used_at=now)
    return {row.id: row.name for row in tx.execute(statement.returning(speakers.c.id, speakers.c.name))}


def labels(tx: Connection, recording_id: int, job_id: int | None) -> list[Label]:
    """The voices of the transcript that a job has made, by first appearance."""
    counted = (
        select(segments.c.speaker, func.count().label("segments"), func.min(segments.c.position).label("first"))
        .where(segments.c.job_id == job_id)
        .group_by(segments.c.speaker)
        .subquery()
    )
    theirs = and_(participants.c.recording_id == recording_id, participants.c.speaker == counted.c.speaker)
    rows = tx.execute(
        select(counted.c.speaker, counted.c.segments, participants.c.name, participants.c.speaker_id)
        .join_from(counted, participants, theirs, isouter=True)
        .order_by(counted.c.first)
    )
    return [Label(*row) for row in rows]


def spoken(tx: Connection, recording_id: int) -> set[int]:
    """The speakers who say something in the transcript of a recording."""
    statement = select(segments.c.speaker).where(segments.c.recording_id == recording_id).distinct()
    return {speaker for speaker in tx.execute(statement).scalars() if speaker is not None}


def name_labels(tx: Connection, recording_id: int, named: Iterable[tuple[int, str, int | None]]) -> None:
    """Makes `(speaker, name, id of the person)` the participants of a recording, in this order, and nobody else."""
    tx.execute(delete(participants).where(participants.c.recording_id == recording_id))
    _add_named(tx, recording_id, named)


def add_named(tx: Connection, recording_id: int, named: Mapping[int, tuple[str, int]]) -> None:
    """Names labels that have none, by `(name, id of the person)`; the list of participants says each name once."""
    names = [name for name, _ in named.values()]
    listed = participants.c.recording_id == recording_id, participants.c.speaker.is_(None)
    tx.execute(delete(participants).where(*listed, participants.c.name.in_(names)))
    _add_named(tx, recording_id, [(speaker, name, person) for speaker, (name, person) in sorted(named.items())])


def _add_named(tx: Connection, recording_id: int, named: Iterable[tuple[int, str, int | None]]) -> None:
    rows = [
        {"recording_id": recording_id, "speaker": speaker, "name": name, "speaker_id": person}
        for speaker, name, person in named
    ]
    if rows:
        tx.execute(insert(participants).values(rows))


def forget_labels(tx: Connection, recording_id: int) -> None:
    """The labels of a recording mean nobody any more; who was listed as a participant stays listed."""
    here = participants.c.recording_id == recording_id, participants.c.speaker.is_not(None)
    tx.execute(delete(participants).where(*here, participants.c.listed.is_(False)))
    tx.execute(update(participants).where(*here).values(speaker=None))


def recordings_of(tx: Connection, speaker: Speaker, *, lock: bool = False) -> dict[int, str]:
    """Titles of the recordings in which a person takes part, by the id or by the very name."""
    return _titles(tx, speaker, or_(participants.c.speaker_id == speaker.id, participants.c.name == speaker.name), lock)


def recordings_linked(tx: Connection, speaker: Speaker, *, lock: bool = False) -> dict[int, str]:
    """As `recordings_of`, by the id alone."""
    return _titles(tx, speaker, participants.c.speaker_id == speaker.id, lock)


def _titles(tx: Connection, speaker: Speaker, theirs: ColumnElement[bool], lock: bool) -> dict[int, str]:
    statement = (
        select(recordings.c.id, recordings.c.title)
        .where(recordings.c.user_id == speaker.user_id)
        .where(select(participants.c.id).where(participants.c.recording_id == recordings.c.id, theirs).exists())
        .order_by(recordings.c.id)
    )
    rows = tx.execute(statement.with_for_update(of=recordings) if lock else statement)
    return {row.id: row.title for row in rows}


def rename_participants(tx: Connection, recording_ids: Sequence[int], speaker: Speaker, name: str) -> None:
    """In these recordings, whatever bears the person's name or id."""
    tx.execute(
        update(participants)
        .where(participants.c.recording_id == func.any(cast(list(recording_ids), ARRAY(BigInteger))))
        .where(or_(participants.c.speaker_id == speaker.id, participants.c.name == speaker.name))
        .values(name=name)
    )
