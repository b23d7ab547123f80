"""Users and the tokens they show."""

import hashlib
import re
import secrets

from shared.db import accounts
from shared.db.database import Database
from shared.domain.accounts import Caller, User
from shared.domain.errors import Invalid, Unauthenticated
from shared.services.core import Core

#: The user that everything belongs to when no one has to sign in.
LOCAL_OWNER = "local"

_USERNAME = re.compile(r"[\w.@+-]{1,150}")


def local_owner(core: Core) -> Caller:
    """The caller of `HANSARD_AUTH=none`: an admin, made at first sight."""
    with core.db.begin() as tx:
        return _caller(accounts.ensure_user(tx, LOCAL_OWNER, is_admin=True))


def authenticate(core: Core, token: str) -> Caller:
    """The owner of an API token. Raises Unauthenticated."""
    with core.db.begin() as tx:
        found = accounts.user_by_token_hash(tx, _hash(token), core.now())
        if found is None:
            raise Unauthenticated("The token is unknown, expired or revoked.")
        token_id, user = found
        accounts.touch_token(tx, token_id)
    return _caller(user)


def issue_token(db: Database, username: str, *, is_admin: bool = False, name: str = "command line") -> str:
    """A new token for the user of that name, who is made if new. It is shown once: only its hash is stored."""
    if not _USERNAME.fullmatch(username):
        raise Invalid("A user name is 1 to 150 letters, digits or any of . _ @ + -")
    token = secrets.token_urlsafe(32)
    with db.begin() as tx:
        user = accounts.ensure_user(tx, username, is_admin=is_admin)
        accounts.add_token(tx, user.id, name, _hash(token), expires_at=None)
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _caller(user: User) -> Caller:
    return Caller(user_id=user.id, username=user.username, is_admin=user.is_admin)
