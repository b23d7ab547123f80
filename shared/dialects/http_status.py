"""Domain errors as HTTP statuses, the same in every dialect."""

from shared.domain.errors import (
    Conflict,
    Forbidden,
    HansardError,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

_STATUS: dict[type[HansardError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    RateLimited: 429,
    Unavailable: 503,
}


def status_of(error: HansardError) -> int:
    return _STATUS[type(error)]
