"""The same change to many recordings: what cannot be done to one of them does not stop the others."""

from collections.abc import Callable, Sequence

from shared.db import edits, tags
from shared.db.database import Transaction
from shared.db.edits import Held
from shared.domain.accounts import Caller, Scope
from shared.domain.edits import ONE_BY_ONE_AT_ONCE, RECORDINGS_AT_ONCE, Outcome, Updates
from shared.domain.errors import Conflict, Forbidden, Invalid, NotFound
from shared.domain.recordings import Recording
from shared.domain.tags import TAGS_AT_ONCE
from shared.domain.tasks import TranscribeOptions
from shared.services import access, folders, jobs, recordings
from shared.services.access import Action
from shared.services.core import Core
from shared.services.outbox import recordings_updated

_MISSING = "There is no such recording."


def change(core: Core, caller: Caller, ids: Sequence[object], updates: Updates) -> list[Outcome]:
    """Changes all of the recordings that the caller may change. Tags that the caller may not use are passed over.

    Raises NotFound and Forbidden for a folder into which nothing may go.
    """
    access.need(caller, Scope.WRITE)
    _check_number(ids, RECORDINGS_AT_ONCE)
    if len(updates.add_tags) > TAGS_AT_ONCE or len(updates.remove_tags) > TAGS_AT_ONCE:
        raise Invalid(f"At most {TAGS_AT_ONCE} tags can be added or removed at once.")
    with core.db.begin() as tx:
        there = edits.lock(tx, caller.user_id, [each for each in ids if isinstance(each, int) and _is_id(each)])
        if "folder_id" in updates.columns:
            folders.check_target(core, tx, caller, updates.columns["folder_id"])
        refused = {each: error for each, held in there.items() if (error := _refusal(caller, held))}
        allowed = {each: held.title for each, held in there.items() if each not in refused}
        fields = _apply(tx, caller, list(allowed), updates)
        if fields:
            recordings_updated(core, tx, caller.user_id, allowed, fields)
    known: dict[object, str | None] = {**dict.fromkeys(allowed), **refused}
    return [Outcome(each, known.get(each, _MISSING) if _is_id(each) else _MISSING) for each in ids]


def _refusal(caller: Caller, held: Held) -> str | None:
    try:
        access.check(caller, Action.CHANGE, held)
    except Forbidden as error:
        return str(error)
    return None


def _apply(tx: Transaction, caller: Caller, recording_ids: Sequence[int], updates: Updates) -> list[str]:
    """Changes the recordings, and says which fields."""
    edits.change(tx, recording_ids, updates.columns)
    usable = tags.usable(tx, caller.user_id, updates.add_tags)
    removed = tags.unlink(tx, recording_ids, updates.remove_tags)
    added = tags.link(tx, recording_ids, [tag.id for tag in usable])
    return [*updates.columns, *(["tags"] if removed or added else [])]


def delete(core: Core, caller: Caller, ids: Sequence[object]) -> list[Outcome]:
    """Deletes the recordings; administrators may delete anybody's."""
    access.need(caller, Scope.DELETE)
    recordings.check_deletion(core, caller)

    def check(_: Transaction, recording: Recording) -> None:
        access.check(caller, Action.PURGE, recording)

    def erase(recording_id: int) -> None:
        recordings.erase(core, recording_id, check)

    return _each(ids, erase)


def transcribe(core: Core, caller: Caller, ids: Sequence[object]) -> list[Outcome]:
    """Queues the transcription of the recordings; one that is at work already keeps its job."""
    access.need(caller, Scope.PROCESS)
    return _each(ids, lambda each: jobs.submit(core, caller, each, TranscribeOptions()).id)


def _each(ids: Sequence[object], act: Callable[[int], int | None]) -> list[Outcome]:
    """Does it to one after the other; what `act` returns is the id of a job."""
    _check_number(ids, ONE_BY_ONE_AT_ONCE)
    outcomes = []
    for each in ids:
        try:
            if not isinstance(each, int) or not _is_id(each):
                raise NotFound(_MISSING)
            outcomes.append(Outcome(each, job_id=act(each)))
        except (Conflict, Forbidden, Invalid, NotFound) as error:
            outcomes.append(Outcome(each, str(error)))
    return outcomes


def _check_number(ids: Sequence[object], most: int) -> None:
    if not 0 < len(ids) <= most:
        raise Invalid(f"recording_ids has to name 1 to {most} recordings.")


def _is_id(sent: object) -> bool:
    return isinstance(sent, int) and not isinstance(sent, bool) and 0 < sent < 2**63
