"""Groups of users, as the operator looks after them."""

from shared.db import accounts, groups
from shared.db.database import Database, Transaction
from shared.domain.accounts import Group, Profile, Role
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.services.accounts import clean_line
from shared.services.core import Core
from shared.services.outbox import recordings_updated

NAME_LENGTH = 100


def listed(db: Database) -> dict[Group, dict[str, Role]]:
    """All groups by name, each with the roles of its members by their names."""
    with db.begin() as tx:
        return groups.members(tx)


def add(db: Database, name: str) -> Group:
    """Raises Invalid, and Conflict when the name is taken."""
    label = clean_line("The name of a group", name, NAME_LENGTH)
    if label is None:
        raise Invalid(f"The name of a group is 1 to {NAME_LENGTH} characters.")
    with db.begin() as tx:
        group = groups.add(tx, label)
    if group is None:
        raise Conflict(f"There is a group named {label} already.")
    return group


def join(db: Database, name: str, username: str, *, admin: bool) -> None:
    """Makes a user a member or an admin of a group, whatever they were there before. Raises NotFound."""
    with db.begin() as tx:
        group, user = _group(tx, name), _user(tx, username)
        groups.join(tx, group.id, user.id, Role.ADMIN if admin else Role.MEMBER)


def leave(db: Database, name: str, username: str) -> None:
    """Raises NotFound."""
    with db.begin() as tx:
        group, user = _group(tx, name), _user(tx, username)
        if not groups.leave(tx, group.id, user.id):
            raise NotFound(f"{username} does not belong to {group.name}.")


def remove(core: Core, name: str) -> None:
    """Removes a group with its tags and folders; recordings that were sorted by them stay. Raises NotFound."""
    with core.db.begin() as tx:
        group = _group(tx, name)
        for owner, titles in groups.recordings_sorted_by(tx, group.id).items():
            recordings_updated(core, tx, owner, titles, ["folder_id", "tags"])
        groups.remove(tx, group.id)


def _group(tx: Transaction, name: str) -> Group:
    group = groups.by_name(tx, clean_line("The name of a group", name) or "")
    if group is None:
        raise NotFound(f"There is no group named {name}.")
    return group


def _user(tx: Transaction, username: str) -> Profile:
    user = accounts.by_name(tx, username)
    if user is None:
        raise NotFound(f"There is no user named {username}.")
    return user
