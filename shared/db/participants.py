"""Who takes part in a recording, as people write it down."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, update

from shared.db.tables import participants


def list_exactly(tx: Connection, recording_id: int, names: Sequence[str]) -> None:
    """Makes the list of participants these names, in this order. Labels of the transcript keep what they are called."""
    here = participants.c.recording_id == recording_id
    tx.execute(delete(participants).where(here, participants.c.speaker.is_(None)))
    # The order of the list is that of the ids, so the rows that name labels cannot be part of it.
    tx.execute(update(participants).where(here, participants.c.listed).values(listed=False))
    if names:
        tx.execute(insert(participants).values([{"recording_id": recording_id, "name": name} for name in names]))
