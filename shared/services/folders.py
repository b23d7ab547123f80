"""Folders: made, changed and deleted; and whether a recording may go into one."""

from collections.abc import Mapping
from typing import Any

from shared.db import folders
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Role, Scope
from shared.domain.defaults import Defaults, clean_color, clean_defaults, clean_name, clean_protection
from shared.domain.errors import Forbidden, Invalid, NotFound
from shared.domain.folders import COLOR, NAME_LENGTH, Folder
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import all_updated

_SWITCHES = ("auto_share_on_apply", "share_with_group_lead")
_TEMPLATES = {"naming_template_id": "naming", "export_template_id": "export"}


def all_of(core: Core, caller: Caller) -> list[tuple[Folder, bool, Role | None]]:
    """Every folder the caller may use, whether the caller may change it, and the caller's role in its group."""
    access.need(caller, Scope.READ)
    if not core.policy.folders:
        return []
    with core.db.begin() as tx:
        found = folders.all_of(tx, caller.user_id)
    return [(each, access.may_change(caller, each), caller.groups.get(each.group_id or 0)) for each in found]


def get(core: Core, caller: Caller, folder_id: int) -> tuple[Folder, bool]:
    """A folder and whether the caller may change it. Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        folder = found(folders.by_id(tx, folder_id), "folder")
    access.check_shared(caller, Action.READ, folder)
    return folder, access.may_change(caller, folder)


def create(core: Core, caller: Caller, given: Mapping[str, Any]) -> Folder:
    """`given` holds fields of a folder by the names of their columns, `group_id` for one of a group.

    Raises Invalid, also for a name that is taken; Forbidden for a group whose admin the caller is not.
    """
    access.need(caller, Scope.WRITE)
    check_enabled(core)
    group_id = given.get("group_id")
    if group_id is not None:
        access.check_group_admin(caller, group_id)
    given = {"name": "", "color": None, **given}
    values = _clean(core, given, Defaults(), new=True)
    with core.db.begin() as tx:
        folder = folders.add(tx, user_id=caller.user_id, group_id=group_id, **values)
    if folder is None:
        raise _taken(values["name"])
    return folder


def change(core: Core, caller: Caller, folder_id: int, given: Mapping[str, Any]) -> Folder:
    """Changes the fields that are given. Raises NotFound, Forbidden, Invalid.

    `group_id` makes it a folder of that group, or the caller's own; recordings of those who lose sight of it leave it.
    """
    check_enabled(core)
    changed = None
    while changed is None:
        changed = _change(core, caller, folder_id, given)
    return changed


def _change(core: Core, caller: Caller, folder_id: int, given: Mapping[str, Any]) -> Folder | None:
    """None when recordings have come in meanwhile: they have to be locked before the folder."""
    with core.db.begin() as tx:
        moves = "group_id" in given
        access.check_shared(caller, Action.CHANGE, found(folders.by_id(tx, folder_id), "folder"))
        held = folders.recordings_in(tx, folder_id, lock=True) if moves else {}
        before = found(folders.by_id(tx, folder_id, lock=True), "folder")
        access.check_shared(caller, Action.CHANGE, before)
        if moves and not folders.recordings_in(tx, folder_id).keys() <= held.keys():
            return None
        values = _clean(core, given, before.defaults, new=False)
        group_id = given["group_id"] if moves else before.group_id
        if group_id != before.group_id:
            values |= {"group_id": group_id, "user_id": caller.user_id}
            if group_id is not None:
                access.check_group_admin(caller, group_id)
            gone = folders.expel(tx, folder_id, user_id=caller.user_id, group_id=group_id)
            all_updated(core, tx, {each: held[each] for each in held if each in gone}, ["folder_id"])
        if not folders.change(tx, folder_id, values):
            raise _taken(values.get("name", before.name))
        return found(folders.by_id(tx, folder_id), "folder")


def remove(core: Core, caller: Caller, folder_id: int) -> None:
    """Deletes a folder; its recordings stay. Raises NotFound, Forbidden."""
    check_enabled(core)
    while not _remove(core, caller, folder_id):
        pass


def _remove(core: Core, caller: Caller, folder_id: int) -> bool:
    """As `_change`: False when it has to begin anew."""
    with core.db.begin() as tx:
        access.check_shared(caller, Action.DELETE, found(folders.by_id(tx, folder_id), "folder"))
        held = folders.recordings_in(tx, folder_id, lock=True)
        access.check_shared(caller, Action.DELETE, found(folders.by_id(tx, folder_id, lock=True), "folder"))
        inside = folders.recordings_in(tx, folder_id)
        if not inside.keys() <= held.keys():
            return False
        all_updated(core, tx, inside, ["folder_id"])
        folders.remove(tx, folder_id)
        return True


def check_enabled(core: Core) -> None:
    """Raises Forbidden."""
    if not core.policy.folders:
        raise Forbidden("Folders feature is not enabled")


def check_target(core: Core, tx: Transaction, caller: Caller, folder_id: int | None) -> None:
    """Whether the caller may move recordings into this folder; None is out of all. Raises Forbidden, NotFound."""
    if folder_id is None:
        return
    check_enabled(core)
    if folders.usable(tx, caller.user_id, folder_id) is not None:
        return
    found(folders.by_id(tx, folder_id), "folder")
    raise Forbidden("You may not use this folder.")


def _clean(core: Core, given: Mapping[str, Any], before: Defaults, *, new: bool) -> dict[str, Any]:
    for name, kind in _TEMPLATES.items():
        if given.get(name) is not None:
            raise NotFound(f"There is no such {kind} template.")
    values = clean_defaults(given, before)
    values |= clean_protection(given, auto_deletion=core.policy.auto_deletion, new=new)
    values |= {name: given[name] for name in _SWITCHES if name in given}
    if "name" in given:
        values["name"] = clean_name("folder", given["name"], NAME_LENGTH)
    if "color" in given:
        values["color"] = clean_color(given["color"] or COLOR)
    return values


def _taken(name: str) -> Invalid:
    return Invalid(f"There is a folder “{name.strip()}” already.")
