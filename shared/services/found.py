"""What was looked for, or the one sentence that it is not there."""

from typing import TypeVar

from shared.domain.errors import NotFound

_Thing = TypeVar("_Thing")


def found(thing: _Thing | None, noun: str) -> _Thing:
    """The thing itself. Raises NotFound."""
    if thing is None:
        raise NotFound(f"There is no such {noun}.")
    return thing
