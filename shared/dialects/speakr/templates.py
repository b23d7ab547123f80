"""Transcript templates in Speakr's words."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.dialects.speakr.common import utc
from shared.domain.templates import Template


class NewTemplate(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: str
    template: str
    description: str | None = None
    is_default: bool = False


class TemplateChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = ""
    template: str = ""
    description: str | None = None
    is_default: bool = False


class TemplateShape(BaseModel):
    id: int
    name: str
    template: str
    description: str | None
    is_default: bool
    created_at: datetime
    updated_at: datetime


class TemplateRemoved(BaseModel):
    success: bool = True


def template(found: Template) -> dict[str, Any]:
    return {**asdict(found), "created_at": utc(found.created_at), "updated_at": utc(found.updated_at)}
