"""What people change on a recording by hand: its title, participants, notes, summary, date, marks and folder."""

from collections.abc import Sequence
from typing import Any

from shared.db import participants, recordings
from shared.db.database import Transaction
from shared.domain.accounts import Caller
from shared.domain.edits import FIELDS, PARTICIPANTS_LENGTH, Changes, Edited
from shared.domain.errors import Invalid
from shared.domain.recordings import check_storable, clean_text, clean_title
from shared.services import access, folders
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import recordings_updated


def edit(core: Core, caller: Caller, recording_id: int, changes: Changes) -> Edited:
    """Changes the fields that are given and tells of it once. Raises NotFound, Forbidden, Invalid."""
    columns, names = _columns(changes)
    with core.db.begin() as tx:
        recording = found(recordings.by_id(tx, recording_id, lock=True), "recording")
        access.check(caller, Action.CHANGE, recording)
        if "folder_id" in changes:
            folders.check_target(core, tx, caller, changes["folder_id"])
        if columns:
            recordings.change(tx, recording_id, **columns)
        if names is not None:
            participants.list_exactly(tx, recording_id, names)
        if fields := [name for name in FIELDS if name in changes]:
            title = columns.get("title", recording.title)
            recordings_updated(core, tx, recording.user_id, {recording_id: title}, fields)
        return _read(tx, recording_id)


def notes(core: Core, caller: Caller, recording_id: int) -> str | None:
    """Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        access.check(caller, Action.READ, found(recordings.by_id(tx, recording_id), "recording"))
        return recordings.texts(tx, recording_id)[0]


def _columns(changes: Changes) -> tuple[dict[str, Any], Sequence[str] | None]:
    """What to write into the row, and the participants, who have rows of their own."""
    columns: dict[str, Any] = {name: value for name, value in changes.items() if name != "participants"}
    if "title" in changes:
        columns |= {"title": _title(changes["title"]), "title_given": True}
    if "notes" in changes:
        columns["notes"] = clean_text("notes", changes["notes"])
    if "summary" in changes:
        # The parts, and who wrote it, were those of the text before.
        summary = clean_text("summary", changes["summary"])
        columns |= {"summary": summary, "summary_parts": None, "summary_model": None}
    names = _names(changes["participants"] or "") if "participants" in changes else None
    return columns, names


def _title(title: str) -> str:
    title = clean_title(title)
    if not title:
        raise Invalid("A recording needs a title.")
    return title


def _names(text: str) -> Sequence[str]:
    check_storable("participants", text)
    if len(text) > PARTICIPANTS_LENGTH:
        raise Invalid(f"participants may have at most {PARTICIPANTS_LENGTH} characters; these have {len(text)}.")
    names = (" ".join(name.split()) for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))


def _read(tx: Transaction, recording_id: int) -> Edited:
    written, summary = recordings.texts(tx, recording_id)
    return Edited(found(recordings.by_id(tx, recording_id), "recording"), written, summary.text)
