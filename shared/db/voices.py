"""What people and the labels of transcripts sound like. Vectors of different kinds are never compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, REAL, ColumnElement, Connection, Double, cast, delete, func, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db.tables import recording_voices, speakers, voice_profiles
from shared.domain.speakers import SUGGESTIONS, Suggestion, VoiceProfile, confidence


def _numbers(embedding: ColumnElement[Any]) -> ColumnElement[Any]:
    """A vector as plain numbers, whether pgvector keeps it or not."""
    return cast(embedding, ARRAY(REAL))


def replace(tx: Connection, recording_id: int, kind: str, voices: Mapping[int, Sequence[float]]) -> None:
    """Makes `voices` (by speaker) what the labels of a recording sound like."""
    tx.execute(delete(recording_voices).where(recording_voices.c.recording_id == recording_id))
    if voices:
        rows = [
            {"recording_id": recording_id, "speaker": speaker, "kind": kind, "embedding": list(voice)}
            for speaker, voice in voices.items()
        ]
        tx.execute(insert(recording_voices).values(rows))


def of_labels(tx: Connection, recording_id: int, labels: Iterable[int]) -> dict[int, tuple[str, tuple[float, ...]]]:
    """Kind and embedding of those labels of a recording whose voice is known."""
    rows = tx.execute(
        select(recording_voices.c.speaker, recording_voices.c.kind, _numbers(recording_voices.c.embedding))
        .where(recording_voices.c.recording_id == recording_id, recording_voices.c.speaker.in_(list(labels)))
        .order_by(recording_voices.c.speaker)
    )
    return {speaker: (kind, tuple(embedding)) for speaker, kind, embedding in rows}


def profiles(tx: Connection, speaker_ids: Iterable[int]) -> dict[tuple[int, str], VoiceProfile]:
    """By speaker and kind."""
    rows = tx.execute(
        select(
            voice_profiles.c.speaker_id,
            voice_profiles.c.kind,
            _numbers(voice_profiles.c.embedding),
            voice_profiles.c.samples,
            voice_profiles.c.similarities,
        ).where(voice_profiles.c.speaker_id.in_(list(speaker_ids)))
    )
    return {
        (speaker_id, kind): VoiceProfile(kind, tuple(embedding), samples, tuple(similarities))
        for speaker_id, kind, embedding, samples, similarities in rows
    }


def save_profiles(tx: Connection, changed: Mapping[tuple[int, str], VoiceProfile]) -> None:
    """The speakers' rows are locked by whoever calls."""
    if not changed:
        return
    rows = [
        {
            "speaker_id": speaker_id,
            "kind": kind,
            "embedding": list(profile.embedding),
            "samples": profile.samples,
            "similarities": list(profile.similarities),
        }
        for (speaker_id, kind), profile in changed.items()
    ]
    statement = upsert(voice_profiles).values(rows)
    new = statement.excluded
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=[voice_profiles.c.speaker_id, voice_profiles.c.kind],
            set_={"embedding": new.embedding, "samples": new.samples, "similarities": new.similarities},
        )
    )


def suggestions(tx: Connection, recording_id: int, user_id: int, floor: float) -> dict[int, list[Suggestion]]:
    """For each label with a voice, whom of the user's people it may be: best first, none below `floor`.

    One statement, whatever the number of labels.
    """
    alike = func.voice_similarity(
        voice_profiles.c.embedding, cast(_numbers(recording_voices.c.embedding), ARRAY(Double))
    )
    nearest = (
        select(
            speakers.c.id,
            speakers.c.name,
            alike.label("similarity"),
            voice_profiles.c.samples,
            voice_profiles.c.similarities,
        )
        .join(voice_profiles, voice_profiles.c.speaker_id == speakers.c.id)
        .where(speakers.c.user_id == user_id, voice_profiles.c.kind == recording_voices.c.kind, alike >= floor)
        .order_by(alike.desc(), speakers.c.id)
        .limit(SUGGESTIONS)
        .correlate(recording_voices)
        .lateral()
    )
    rows = tx.execute(
        select(recording_voices.c.speaker, *nearest.c)
        .join_from(recording_voices, nearest, true(), isouter=True)
        .where(recording_voices.c.recording_id == recording_id)
        .order_by(recording_voices.c.speaker, nearest.c.similarity.desc(), nearest.c.id)
    )
    found: dict[int, list[Suggestion]] = {}
    for row in rows:
        candidates = found.setdefault(row.speaker, [])
        if row.id is not None:
            known = confidence(row.samples, row.similarities)
            candidates.append(Suggestion(row.id, row.name, row.similarity, known))
    return found
