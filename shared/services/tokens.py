"""API tokens, as their owners see them."""

from collections.abc import Sequence

from shared.db import accounts
from shared.domain.accounts import ALL_SCOPES, ApiToken, Caller, Scope
from shared.domain.credentials import new_token
from shared.domain.errors import Conflict, Forbidden, Invalid, NotFound
from shared.services import access
from shared.services.accounts import add_token, clean_line, expiry
from shared.services.core import Core

MOST_TOKENS = 200


def listed(core: Core, caller: Caller) -> list[ApiToken]:
    """Newest first."""
    access.need(caller, Scope.ACCOUNT)
    with core.db.begin() as tx:
        return accounts.tokens(tx, caller.user_id)


def create(
    core: Core, caller: Caller, *, name: str, days: int | None, scopes: Sequence[str] | None
) -> tuple[ApiToken, str]:
    """The token, and what to show for it: that is not kept. Without `scopes` it is as good as the caller's own.

    Raises Invalid, Forbidden for scopes that the caller has not, and Conflict when there are too many.
    """
    access.need(caller, Scope.ACCOUNT)
    granted = _granted(caller, scopes)
    expires_at = expiry(core.now(), days)
    token = new_token()
    with core.db.begin() as tx:
        accounts.lock_user(tx, caller.user_id)
        if len(accounts.tokens(tx, caller.user_id)) >= MOST_TOKENS:
            raise Conflict(f"You have {MOST_TOKENS} tokens, which is as many as there can be: revoke some.")
        return add_token(tx, caller.user_id, token, name=name, scopes=granted, expires_at=expires_at), token


def rename(core: Core, caller: Caller, token_id: int, name: str) -> ApiToken:
    """Raises NotFound also for tokens of others."""
    access.need(caller, Scope.ACCOUNT)
    label = clean_line("The name of a token", name, 100)
    if label is None:
        raise Invalid("A token needs a name.")
    with core.db.begin() as tx:
        token = accounts.rename_token(tx, caller.user_id, token_id, label)
    if token is None:
        raise NotFound("There is no such token.")
    return token


def revoke(core: Core, caller: Caller, token_id: int) -> None:
    """Raises NotFound also for tokens of others."""
    access.need(caller, Scope.ACCOUNT)
    with core.db.begin() as tx:
        removed = accounts.remove_token(tx, caller.user_id, token_id)
    if not removed:
        raise NotFound("There is no such token.")


def parse_scopes(names: Sequence[str]) -> frozenset[Scope]:
    """Raises Invalid for none at all, and for one that nobody knows."""
    known = {each.value: each for each in Scope}
    unknown = sorted(set(names) - known.keys())
    if unknown or not names:
        raise Invalid(f"scopes are some of {', '.join(known)}.")
    return frozenset(known[name] for name in names)


def _granted(caller: Caller, names: Sequence[str] | None) -> frozenset[Scope] | None:
    if names is None:
        return None if caller.scopes == ALL_SCOPES else caller.scopes
    wanted = parse_scopes(names)
    if not wanted <= caller.scopes:
        raise Forbidden(
            "A token cannot make one that is good for more than itself.",
            code="insufficient_scope",
            required_scopes=sorted(each.value for each in wanted),
            token_scopes=sorted(each.value for each in caller.scopes),
        )
    return wanted
