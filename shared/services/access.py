"""Who may do what: one table, asked once per use case."""

from enum import StrEnum

from shared.domain.accounts import Caller
from shared.domain.errors import Forbidden
from shared.domain.recordings import Recording
from shared.domain.uploads import Upload


class Action(StrEnum):
    READ = "read"
    CHANGE = "change"
    PROCESS = "process"
    DELETE = "delete"


class Relation(StrEnum):
    OWNER = "owner"
    STRANGER = "stranger"


_MAY: dict[Relation, frozenset[Action]] = {
    Relation.OWNER: frozenset(Action),
    # Site admins are strangers to other people's recordings, too.
    Relation.STRANGER: frozenset(),
}


def check(caller: Caller, action: Action, recording: Recording | Upload) -> None:
    """A recording, or one in the making. Raises Forbidden."""
    relation = Relation.OWNER if recording.user_id == caller.user_id else Relation.STRANGER
    if action not in _MAY[relation]:
        raise Forbidden(f"You may not {action} this recording.")
