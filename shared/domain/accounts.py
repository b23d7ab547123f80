"""Who calls: users and their groups, and what a door knows of a caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Of a user in a group."""

    MEMBER = "member"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API token may be good for."""

    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"
    PROCESS = "process"
    DELETE = "delete"
    WEBHOOKS = "webhooks"
    ACCOUNT = "account"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class User:
    id: int
    username: str
    is_admin: bool


class LabellingThreshold(StrEnum):
    """How alike a voice has to sound before a label gets a name by itself."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user has chosen; languages are ISO 639-1. `summary_prompt` is for recordings that bring none."""

    ui_language: str | None = "en"
    transcription_language: str | None = None
    output_language: str | None = None
    extract_events: bool = False
    auto_speaker_labelling: bool = False
    auto_speaker_labelling_threshold: LabellingThreshold = LabellingThreshold.MEDIUM
    auto_summarization: bool = True
    show_timestamps_simple_view: bool = False
    editor_autosave: bool = False
    diarize: bool = True
    summary_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user in one request.

    `groups` are the user's roles by the id of the group. `token_id` names the API token that was shown, if it was one.
    """

    user_id: int
    username: str
    is_admin: bool
    groups: Mapping[int, Role] = field(default_factory=dict)
    scopes: frozenset[Scope] = ALL_SCOPES
    token_id: int | None = None

    @property
    def administered(self) -> tuple[int, ...]:
        """The groups in which the caller is an admin."""
        return tuple(group for group, role in self.groups.items() if role is Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Group:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Membership:
    """Of one user in one group."""

    group: Group
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """All that is known of a user. `issuer` is the identity provider that vouches for them, if one does."""

    id: int
    username: str
    is_admin: bool
    is_active: bool
    email: str | None
    name: str | None
    job_title: str | None
    company: str | None
    issuer: str | None
    preferences: Preferences
    monthly_token_budget: int | None
    monthly_transcription_seconds: int | None
    created_at: datetime
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is shown of an API token. `scopes` None: everything its owner may do, whatever that will be."""

    id: int
    name: str
    scopes: frozenset[Scope] | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
