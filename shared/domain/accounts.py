"""Who calls: users, and what a door knows of a caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    id: int
    username: str
    is_admin: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user in one request."""

    user_id: int
    username: str
    is_admin: bool
