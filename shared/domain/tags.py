"""Tags: a recording may have many; personal ones, and those of a group."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.defaults import Defaults

NAME_LENGTH = 50
COLOR = "#3B82F6"
#: A recording may have more than can be added at once; a request may not.
TAGS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Tag:
    """`user_id` owns a personal tag; one of a group is that user's work, but belongs to the group."""

    id: int
    user_id: int
    group_id: int | None
    name: str
    color: str
    defaults: Defaults
    protect_from_deletion: bool
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Tagged:
    """What came of adding tags: those that are new on the recording, and a sentence for each that cannot be added."""

    added: Sequence[Tag]
    errors: Sequence[str]
