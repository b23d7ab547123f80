"""Users in Speakr's words."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from shared.dialects.speakr.common import utc
from shared.domain.accounts import LabellingThreshold, Profile, Role


class PreferencesShape(BaseModel):
    ui_language: str | None
    transcription_language: str | None
    output_language: str | None
    extract_events: bool
    auto_speaker_labelling: bool
    auto_speaker_labelling_threshold: LabellingThreshold
    auto_summarization: bool
    show_timestamps_simple_view: bool
    editor_autosave: bool
    diarize: bool
    summary_prompt: str | None


class MembershipShape(BaseModel):
    group_id: int
    group_name: str
    role: Role
    joined_at: datetime | None


class UserAnswer(BaseModel):
    id: int
    username: str
    email: str
    name: str | None
    job_title: str | None
    company: str | None
    is_admin: bool
    email_verified: bool
    sso_provider: str | None
    can_share_publicly: bool
    preferences: PreferencesShape
    group_memberships: list[MembershipShape]


class PreferencesChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="ignore", strict=True)

    ui_language: str | None = None
    transcription_language: str | None = None
    output_language: str | None = None
    extract_events: bool = False
    auto_speaker_labelling: bool = False
    auto_speaker_labelling_threshold: Literal["low", "medium", "high"] = "medium"
    auto_summarization: bool = True
    show_timestamps_simple_view: bool = False
    editor_autosave: bool = False
    diarize: bool = True
    summary_prompt: str | None = None


class UserChange(BaseModel):
    """What is left out stays. `preferences` is a PreferencesChange."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str | None = None
    job_title: str | None = None
    company: str | None = None
    preferences: dict[str, Any] = Field(
        default={}, json_schema_extra={"properties": PreferencesChange.model_json_schema()["properties"]}
    )


class AutoSummarization(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    enabled: bool


class AutoSummarizationAnswer(BaseModel):
    success: bool = True
    auto_summarization: bool


def user(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "username": profile.username,
        "email": profile.email or "",
        "name": profile.name,
        "job_title": profile.job_title,
        "company": profile.company,
        "is_admin": profile.is_admin,
        # Addresses come from the operator or the identity provider alone.
        "email_verified": profile.email is not None,
        "sso_provider": None if profile.issuer is None else urlsplit(profile.issuer).hostname or profile.issuer,
        "can_share_publicly": True,
        "preferences": asdict(profile.preferences),
        "group_memberships": [
            {
                "group_id": each.group.id,
                "group_name": each.group.name,
                "role": each.role,
                "joined_at": utc(each.joined_at),
            }
            for each in profile.memberships
        ],
    }
