"""Users, as the operator looks after them."""

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.db import accounts, groups
from shared.db import uploads as upload_rows
from shared.db.database import Database, Transaction
from shared.domain.accounts import Caller, Profile
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.services import recordings, uploads
from shared.services.accounts import LOCAL_OWNER, check_username, clean_line
from shared.services.core import Core
from shared.services.outbox import recordings_updated

_BATCH = 100
_EMAIL_LENGTH = 320
#: An address to upload to may be good for a while yet, and what comes by it belongs to nobody any more.
_LATE_UPLOADS = timedelta(seconds=2 * uploads.URL_SECONDS)


def listed(db: Database) -> list[Profile]:
    """By name."""
    with db.begin() as tx:
        return accounts.all_profiles(tx)


def add(db: Database, username: str, changes: Mapping[str, Any]) -> None:
    """`changes` as in `change`. Raises Invalid, and Conflict when the name is taken."""
    check_username(username)
    checked = _checked(changes)
    with db.begin() as tx:
        if not accounts.add_user(tx, username, **checked):
            raise Conflict(f"There is a user named {username} already.")


def change(db: Database, username: str, changes: Mapping[str, Any]) -> None:
    """Sets what `changes` has of is_admin, is_active, email, name, and the budgets per month: tokens of language
    models (monthly_token_budget) and seconds of audio (monthly_transcription_seconds), 0 for none.

    Raises NotFound, Invalid.
    """
    checked = _checked(changes)
    if not checked:
        raise Invalid("Say what is to change.")
    with db.begin() as tx:
        accounts.change_user(tx, _known(tx, username).id, **checked)


def remove(core: Core, username: str) -> None:
    """Removes a user with all recordings and their audio. Tags and folders of groups stay with the group.

    May be repeated when it is interrupted. Raises NotFound, and Conflict for the local owner.
    """
    if username == LOCAL_OWNER:
        raise Conflict("The local owner cannot be removed: without accounts everything belongs to it.")
    with core.db.begin() as tx:
        user = _known(tx, username)
        # From here on nothing new comes in.
        accounts.change_user(tx, user.id, is_active=False)
        begun = accounts.upload_keys(tx, user.id)
    _abort(core, user, begun)
    while not _removed(core, user):
        _erase_recordings(core, user)


def _abort(core: Core, user: Profile, begun: Mapping[UUID, str]) -> None:
    owner = Caller(user.id, user.username, user.is_admin)
    for upload_id in begun:
        # A recording has been made of it, or somebody else has ended it.
        with contextlib.suppress(NotFound, Conflict):
            uploads.abort(core, owner, upload_id)


def _erase_recordings(core: Core, user: Profile) -> None:
    while True:
        with core.db.begin() as tx:
            ids = accounts.recording_ids(tx, user.id, limit=_BATCH)
        if not ids:
            return
        for recording_id in ids:
            with contextlib.suppress(NotFound):
                recordings.erase(core, recording_id, lambda *_: None)


def _removed(core: Core, user: Profile) -> bool:
    """False while there are recordings: they are never removed by cascade, which would forget their audio."""
    with core.db.begin() as tx:
        accounts.lock_user(tx, user.id, removing=True)
        if accounts.recording_ids(tx, user.id, limit=1):
            return False
        for key in accounts.upload_keys(tx, user.id).values():
            upload_rows.delete_object_later(tx, key, core.now() + _LATE_UPLOADS)
        groups.hand_over(tx, user.id)
        for owner, titles in groups.others_sorted_by(tx, user.id).items():
            recordings_updated(core, tx, owner, titles, ["folder_id", "tags"])
        accounts.remove_user(tx, user.id)
        return True


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(changes)
    for budget in ("monthly_token_budget", "monthly_transcription_seconds"):
        if budget in checked:
            checked[budget] = checked[budget] or None
    if "name" in checked:
        checked["name"] = clean_line("A name", checked["name"])
    if "email" in checked:
        checked["email"] = _email(checked["email"])
    return checked


def _email(text: str) -> str | None:
    address = clean_line("An address", text, _EMAIL_LENGTH)
    if address is not None and (" " in address or "@" not in address.strip("@")):
        raise Invalid(f"{address} is no mail address.")
    return address


def _known(tx: Transaction, username: str) -> Profile:
    user = accounts.by_name(tx, username)
    if user is None:
        raise NotFound(f"There is no user named {username}.")
    return user
