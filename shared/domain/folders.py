"""Folders: a recording is in one at most; personal ones, and those of a group."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.defaults import Defaults

NAME_LENGTH = 100
COLOR = "#10B981"


@dataclass(frozen=True, slots=True)
class Folder:
    """As a Tag. `recording_count` counts everybody's recordings in it."""

    id: int
    user_id: int
    group_id: int | None
    group_name: str | None
    name: str
    color: str
    defaults: Defaults
    protect_from_deletion: bool
    retention_days: int | None
    auto_share_on_apply: bool
    share_with_group_lead: bool
    created_at: datetime
    recording_count: int
