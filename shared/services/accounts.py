"""Users: who a credential stands for, and what a user says of themselves."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.db import accounts
from shared.db.accounts import KnownUser
from shared.db.database import Database, Transaction
from shared.domain.accounts import ApiToken, Caller, Profile, Scope
from shared.domain.credentials import is_jwt, new_token, token_hash
from shared.domain.errors import Conflict, Invalid, Unauthenticated
from shared.domain.languages import normalize_language
from shared.domain.recordings import check_storable, clean_text
from shared.ports import Identity
from shared.services import access
from shared.services.core import Core

#: The user that everything belongs to when no one has to sign in.
LOCAL_OWNER = "local"
#: What tokens are told that are none; why, is nobody's business.
_UNKNOWN = "The token is unknown, expired or revoked."

_USERNAME = re.compile(r"[\w.@+-]{1,150}")
_NOT_IN_USERNAMES = re.compile(r"[^\w.@+-]+")
_LINE_LENGTH = 200
_LONGEST_DAYS = 36_500


def local_owner(core: Core) -> Caller:
    """The caller of `HANSARD_AUTH=none`: an admin, made at first sight."""
    with core.db.begin() as tx:
        owner = accounts.ensure_user(tx, LOCAL_OWNER, is_admin=True)
    return Caller(owner.id, owner.username, owner.is_admin)


def refreshed(core: Core, owner: Caller) -> Caller:
    """The local owner as of now: the operator may have put them into a group meanwhile."""
    with core.db.begin() as tx:
        return replace(owner, groups=accounts.roles(tx, owner.user_id))


def authenticate(core: Core, credential: str) -> Caller:
    """Who shows an API token, or a token of the identity provider.

    Raises Unauthenticated, and Unavailable when the keys of the provider cannot be had.
    """
    if is_jwt(credential):
        return _of_identity(core, credential)
    now = core.now()
    with core.db.begin() as tx:
        shown = accounts.by_token(tx, token_hash(credential), now)
        if shown is None:
            raise Unauthenticated(_UNKNOWN)
        if shown.stale and shown.caller.token_id is not None:
            accounts.touch_token(tx, shown.caller.token_id, now)
    return shown.caller


def _of_identity(core: Core, credential: str) -> Caller:
    if core.identity is None:
        raise Unauthenticated(_UNKNOWN)
    identity = core.identity.verify(credential)
    with core.db.begin() as tx:
        known = accounts.by_subject(tx, identity.issuer, identity.subject) or _first_sight(tx, identity)
        if not known.is_active:
            raise Unauthenticated(_UNKNOWN)
        # Not every token of a provider says everything: what it leaves out stays. What the user has said counts more.
        news = {"email": identity.email or known.email, "name": known.name or identity.name}
        if news != {"email": known.email, "name": known.name}:
            accounts.change_user(tx, known.caller.user_id, **news)
    return known.caller


def _first_sight(tx: Transaction, identity: Identity) -> KnownUser:
    """A new user. Never one who is there already under that name: names and addresses can be chosen at a provider."""
    for username in _free_names(identity):
        who = {"issuer": identity.issuer, "subject": identity.subject}
        accounts.add_user(tx, username, **who, email=identity.email, name=identity.name)
        # Also when another request has been faster.
        if known := accounts.by_subject(tx, identity.issuer, identity.subject):
            return known
    raise AssertionError("there is always another name")


def _free_names(identity: Identity) -> Iterator[str]:
    said = identity.username or identity.email or identity.subject
    wished = _NOT_IN_USERNAMES.sub("-", said)[:130].strip("-") or "user"
    # The local owner is an administrator as soon as the server is run without accounts.
    if wished != LOCAL_OWNER:
        yield wished
    while True:
        yield f"{wished}-{secrets.token_hex(4)}"


def issue_token(
    db: Database,
    username: str,
    *,
    is_admin: bool = False,
    name: str = "command line",
    scopes: frozenset[Scope] | None = None,
    days: int | None = None,
) -> str:
    """A new token for the user of that name, who is made if new. It is shown once: only its hash is stored.

    Raises Invalid, and Conflict for users who must not become an administrator by this or cannot use a token.
    """
    check_username(username)
    token = new_token()
    with db.begin() as tx:
        known = accounts.by_name(tx, username)
        if known is not None and not known.is_active:
            raise Conflict(f"{username} is not active; see `hansard user change {username} --active`.")
        if known is not None and known.issuer and is_admin and not known.is_admin:
            # Whoever signs in there has chosen this name, perhaps in the hope for just this command.
            raise Conflict(f"{username} comes from {known.issuer}; see `hansard user change {username} --admin`.")
        user = accounts.ensure_user(tx, username, is_admin=is_admin)
        made = accounts.by_name(tx, username)
        if known is None and made is not None and made.issuer:
            raise Conflict(f"{username} has come from {made.issuer} just now; try again.")
        add_token(tx, user.id, token, name=name, scopes=scopes, expires_at=expiry(datetime.now(UTC), days))
    return token


def add_token(
    tx: Transaction,
    user_id: int,
    token: str,
    *,
    name: str,
    scopes: frozenset[Scope] | None,
    expires_at: datetime | None,
) -> ApiToken:
    """Stores a token under a name that can be shown. Raises Invalid."""
    label = clean_line("The name of a token", name, 100) or "Unnamed Token"
    kept = None if scopes is None else [each.value for each in Scope if each in scopes]
    return accounts.add_token(tx, user_id, token_hash(token), name=label, scopes=kept, expires_at=expires_at)


def expiry(now: datetime, days: int | None) -> datetime | None:
    """None and 0 days: never. Raises Invalid."""
    if days is not None and not 0 <= days <= _LONGEST_DAYS:
        raise Invalid(f"A token expires in 1 to {_LONGEST_DAYS} days, or in 0 days: never.")
    return now + timedelta(days=days) if days else None


def check_username(username: str) -> None:
    """Raises Invalid."""
    if not _USERNAME.fullmatch(username):
        raise Invalid("A user name is 1 to 150 letters, digits or any of . _ @ + -")


def clean_line(name: str, value: str | None, length: int = _LINE_LENGTH) -> str | None:
    """One line without spaces around it; None for nothing. Raises Invalid."""
    line = " ".join((value or "").split())
    check_storable(name, line)
    if len(line) > length:
        raise Invalid(f"{name} may have at most {length} characters.")
    return line or None


def profile(core: Core, caller: Caller) -> Profile:
    """What the caller is known by."""
    access.need(caller, Scope.READ)
    with core.db.begin() as tx:
        return accounts.profile(tx, caller.user_id)


def change_profile(core: Core, caller: Caller, said: Mapping[str, str | None], chosen: Mapping[str, Any]) -> Profile:
    """`said`: what is given of name, job_title and company; `chosen`: fields of Preferences. Raises Invalid."""
    access.need(caller, Scope.ACCOUNT)
    lines = {name: clean_line(name, value) for name, value in said.items()}
    checked = _checked(chosen)
    with core.db.begin() as tx:
        if lines:
            accounts.change_user(tx, caller.user_id, **lines)
        if checked:
            accounts.choose(tx, caller.user_id, checked)
        return accounts.profile(tx, caller.user_id)


def _checked(chosen: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(chosen)
    for language in ("ui_language", "transcription_language", "output_language"):
        if language in checked:
            checked[language] = normalize_language(checked[language])
    if "summary_prompt" in checked:
        checked["summary_prompt"] = clean_text("summary_prompt", checked["summary_prompt"])
    return checked
