"""Folders in Speakr's words."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from shared.dialects.speakr.common import utc
from shared.dialects.speakr.tags import DefaultsRequest
from shared.domain.accounts import Role
from shared.domain.folders import Folder


class FolderRequest(DefaultsRequest):
    """A new folder needs a name; of one that is there, what is left out stays."""

    name: str = ""
    group_id: int | None = None
    auto_share_on_apply: bool = True
    share_with_group_lead: bool = True
    naming_template_id: int | None = None
    export_template_id: int | None = None


class FolderShape(BaseModel):
    id: int
    name: str
    color: str
    group_id: int | None
    is_group_folder: bool
    group_name: str | None
    custom_prompt: str | None
    default_language: str | None
    default_min_speakers: int | None
    default_max_speakers: int | None
    default_hotwords: str | None
    default_initial_prompt: str | None
    default_transcription_model: str | None
    protect_from_deletion: bool
    retention_days: int | None
    auto_share_on_apply: bool
    share_with_group_lead: bool
    naming_template_id: int | None = None
    naming_template_name: str | None = None
    export_template_id: int | None = None
    export_template_name: str | None = None
    created_at: datetime
    recording_count: int


class OneFolder(FolderShape):
    can_edit: bool


class ListedFolder(OneFolder):
    user_role: Literal["admin", "member"] | None


class Success(BaseModel):
    success: bool = True


def folder(found: Folder) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "color": found.color,
        "group_id": found.group_id,
        "is_group_folder": found.group_id is not None,
        "group_name": found.group_name,
        **asdict(found.defaults),
        "protect_from_deletion": found.protect_from_deletion,
        "retention_days": found.retention_days,
        "auto_share_on_apply": found.auto_share_on_apply,
        "share_with_group_lead": found.share_with_group_lead,
        "created_at": utc(found.created_at),
        "recording_count": found.recording_count,
    }


def one(found: Folder, can_edit: bool) -> dict[str, Any]:
    return {**folder(found), "can_edit": can_edit}


def listed(found: Folder, can_edit: bool, role: Role | None) -> dict[str, Any]:
    return {**one(found, can_edit), "user_role": role}
