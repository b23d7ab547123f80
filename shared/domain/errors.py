"""Every error a use case may raise. Doors translate them; nothing further in knows HTTP.

HansardError
├── Invalid          the caller sent something that cannot be used
├── Unauthenticated  no valid credential
├── Forbidden        a valid caller who may not do this
├── NotFound         there is no such thing (or not for this caller)
├── Conflict         the thing is in a state that does not allow it
├── TooLarge         more than a limit, or than the store can hold
├── RateLimited      try again later
└── Unavailable      a part that is needed does not answer
"""


class HansardError(Exception):
    """Base of all; `str()` is a sentence a person understands."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class Invalid(HansardError):
    pass


class Unauthenticated(HansardError):
    pass


class Forbidden(HansardError):
    pass


class NotFound(HansardError):
    pass


class Conflict(HansardError):
    pass


class TooLarge(HansardError):
    pass


class RateLimited(HansardError):
    pass


class Unavailable(HansardError):
    pass
