"""What the words of many nouns are made of."""

from datetime import UTC, datetime

from pydantic import BaseModel


class Error(BaseModel):
    error: str


class Message(BaseModel):
    success: bool = True
    message: str


def utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
