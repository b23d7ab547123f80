"""Tags in Speakr's words. Keys that Hansard adds come last in each."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.domain.tags import Tag, Tagged


class DefaultsRequest(BaseModel):
    """What tags and folders can say for recordings that leave it open."""

    model_config = ConfigDict(extra="ignore", strict=True)

    color: str | None = None
    custom_prompt: str | None = None
    default_language: str | None = None
    default_min_speakers: int | None = None
    default_max_speakers: int | None = None
    default_hotwords: str | None = None
    default_initial_prompt: str | None = None
    default_transcription_model: str | None = None
    protect_from_deletion: bool = False
    retention_days: int | None = None


class TagChange(DefaultsRequest):
    """What is left out stays."""

    name: str = ""


class NewTag(DefaultsRequest):
    name: str = ""
    group_id: int | None = None


class TagShape(BaseModel):
    id: int
    name: str
    color: str
    custom_prompt: str | None
    default_language: str | None
    default_min_speakers: int | None
    default_max_speakers: int | None
    protect_from_deletion: bool
    default_hotwords: str | None
    default_initial_prompt: str | None
    default_transcription_model: str | None
    retention_days: int | None


class CreatedTag(TagShape):
    is_group_tag: bool
    group_id: int | None


class ListedTag(CreatedTag):
    can_edit: bool


class TagList(BaseModel):
    tags: list[ListedTag]


class ChangedTag(BaseModel):
    success: bool = True
    tag: TagShape


class TagsRequest(BaseModel):
    """`tag_id` is what older clients send."""

    model_config = ConfigDict(extra="ignore")

    tag_ids: list[Any] | None = None
    tag_id: Any = None


class AddedTag(BaseModel):
    id: int
    name: str


class TagsAnswer(BaseModel):
    success: bool = True
    added_tags: list[AddedTag]
    errors: list[str] | None


def tag(found: Tag) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "color": found.color,
        "is_group_tag": found.group_id is not None,
        "group_id": found.group_id,
        **asdict(found.defaults),
        "protect_from_deletion": found.protect_from_deletion,
        "retention_days": found.retention_days,
    }


def listed(found: Tag, can_edit: bool) -> dict[str, Any]:
    return {**tag(found), "can_edit": can_edit}


def tagged(outcome: Tagged) -> dict[str, Any]:
    return {
        "added_tags": [{"id": each.id, "name": each.name} for each in outcome.added],
        "errors": list(outcome.errors) or None,
    }
