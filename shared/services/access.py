"""Who may do what: one table, asked once per use case."""

from enum import StrEnum
from typing import Protocol

from shared.domain.accounts import Caller, Role, Scope
from shared.domain.errors import Forbidden


class Owned(Protocol):
    """Anything that belongs to a user: a recording, an upload, a speaker, …"""

    @property
    def user_id(self) -> int: ...


class GroupOwned(Owned, Protocol):
    """What may belong to a group instead: a tag or a folder. `user_id` has made it then."""

    @property
    def group_id(self) -> int | None: ...


class Action(StrEnum):
    READ = "read"
    CHANGE = "change"
    PROCESS = "process"
    DELETE = "delete"
    #: Deleting by a list of ids, which administrators may do to anybody's recordings.
    PURGE = "purge"


class Relation(StrEnum):
    """How a caller stands to a thing. Of several the strongest counts."""

    OWNER = "owner"
    GROUP_ADMIN = "group admin"
    GROUP_MEMBER = "group member"
    SITE_ADMIN = "site admin"
    STRANGER = "stranger"


_MAY: dict[Relation, frozenset[Action]] = {
    Relation.OWNER: frozenset(Action),
    Relation.GROUP_ADMIN: frozenset({Action.READ, Action.CHANGE, Action.DELETE}),
    Relation.GROUP_MEMBER: frozenset({Action.READ}),
    # Site admins are strangers to what other people say.
    Relation.SITE_ADMIN: frozenset({Action.PURGE}),
    Relation.STRANGER: frozenset(),
}

#: The scope that a token needs for an action.
_NEEDED = {
    Action.READ: Scope.READ,
    Action.CHANGE: Scope.WRITE,
    Action.PROCESS: Scope.PROCESS,
    Action.DELETE: Scope.DELETE,
    Action.PURGE: Scope.DELETE,
}


def check(caller: Caller, action: Action, thing: Owned) -> None:
    """Raises Forbidden when the caller's token is not good for it, or the caller has no right to it."""
    need(caller, _NEEDED[action])
    _settle(_relation(caller, thing.user_id, None), action)


def check_upload(caller: Caller, thing: Owned) -> None:
    """For an upload that is under way: a token that is good for nothing else takes it to its end. Raises Forbidden."""
    need(caller, Scope.UPLOAD)
    _settle(_relation(caller, thing.user_id, None), Action.CHANGE)


def check_shared(caller: Caller, action: Action, thing: GroupOwned) -> None:
    """As `check`, for a tag or a folder. Tokens need `write` to delete one, too: no recording goes with it."""
    need(caller, Scope.READ if action is Action.READ else Scope.WRITE)
    _settle(_relation(caller, thing.user_id, thing.group_id), action)


def may_change(caller: Caller, thing: GroupOwned) -> bool:
    """Whether the caller has the right to change a tag or folder, whatever the token is good for."""
    return Action.CHANGE in _MAY[_relation(caller, thing.user_id, thing.group_id)]


def check_group_admin(caller: Caller, group_id: int) -> None:
    """For what a group's admins do. Groups that do not exist are refused alike. Raises Forbidden."""
    if caller.groups.get(group_id) is not Role.ADMIN:
        raise Forbidden("Only an admin of this group may do this.")


def check_site_admin(caller: Caller) -> None:
    """Raises Forbidden."""
    if not caller.is_admin:
        raise Forbidden("Only an administrator may do this.")


def need(caller: Caller, scope: Scope) -> None:
    """Raises Forbidden when the caller's token is not good for this."""
    if scope not in caller.scopes:
        raise Forbidden(
            f"This token lacks the scope {scope.value}.",
            code="insufficient_scope",
            required_scopes=[scope.value],
            token_scopes=sorted(each.value for each in caller.scopes),
        )


def _settle(relation: Relation, action: Action) -> None:
    if action not in _MAY[relation]:
        raise Forbidden(f"You may not {action} this.")


def _relation(caller: Caller, user_id: int, group_id: int | None) -> Relation:
    if group_id is not None:
        role = caller.groups.get(group_id)
        if role is not None:
            return Relation.GROUP_ADMIN if role is Role.ADMIN else Relation.GROUP_MEMBER
    elif user_id == caller.user_id:
        return Relation.OWNER
    return Relation.SITE_ADMIN if caller.is_admin else Relation.STRANGER
