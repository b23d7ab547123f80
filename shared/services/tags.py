"""Tags: made, changed and deleted, put on recordings and taken off."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.db import recordings, tags
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Scope
from shared.domain.defaults import Defaults, clean_color, clean_defaults, clean_name, clean_protection
from shared.domain.errors import Invalid, NotFound
from shared.domain.recordings import Recording
from shared.domain.tags import COLOR, NAME_LENGTH, TAGS_AT_ONCE, Tag, Tagged
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import all_updated, recordings_updated


def all_of(core: Core, caller: Caller) -> list[tuple[Tag, bool]]:
    """Every tag the caller may use, and whether the caller may change it."""
    access.need(caller, Scope.READ)
    with core.db.begin() as tx:
        found = tags.all_of(tx, caller.user_id)
    return [(tag, access.may_change(caller, tag)) for tag in found]


def create(core: Core, caller: Caller, given: Mapping[str, Any]) -> Tag:
    """`given` holds fields of a tag by the names of their columns, `group_id` for one of a group.

    Raises Invalid, also for a name that is taken; Forbidden for a group whose admin the caller is not.
    """
    access.need(caller, Scope.WRITE)
    group_id = given.get("group_id")
    if group_id is not None:
        access.check_group_admin(caller, group_id)
    given = {"name": "", "color": None, **given}
    values = _clean(core, given, Defaults(), new=True)
    with core.db.begin() as tx:
        tag = tags.add(tx, user_id=caller.user_id, group_id=group_id, **values)
    if tag is None:
        raise _taken(values["name"])
    return tag


def change(core: Core, caller: Caller, tag_id: int, given: Mapping[str, Any]) -> Tag:
    """Changes the fields that are given. Raises NotFound, Forbidden, Invalid."""
    with core.db.begin() as tx:
        before = found(tags.by_id(tx, tag_id, lock=True), "tag")
        access.check_shared(caller, Action.CHANGE, before)
        if not tags.change(tx, tag_id, _clean(core, given, before.defaults, new=False)):
            raise _taken(given["name"])
        return found(tags.by_id(tx, tag_id), "tag")


def remove(core: Core, caller: Caller, tag_id: int) -> None:
    """Deletes a tag; recordings that had it stay. Raises NotFound, Forbidden."""
    while not _remove(core, caller, tag_id):
        pass


def _remove(core: Core, caller: Caller, tag_id: int) -> bool:
    """False when it has been put on others meanwhile: recordings have to be locked before the tag."""
    with core.db.begin() as tx:
        access.check_shared(caller, Action.DELETE, found(tags.by_id(tx, tag_id), "tag"))
        held = tags.recordings_with(tx, tag_id, lock=True)
        found(tags.by_id(tx, tag_id, lock=True), "tag")
        bearing = tags.recordings_with(tx, tag_id)
        if not bearing.keys() <= held.keys():
            return False
        all_updated(core, tx, bearing, ["tags"])
        tags.remove(tx, tag_id)
        return True


def add_to(core: Core, caller: Caller, recording_id: int, tag_ids: Sequence[object]) -> Tagged:
    """Puts tags on a recording. Those the caller may not use become errors; those it has already are passed over."""
    if len(tag_ids) > TAGS_AT_ONCE:
        raise Invalid(f"At most {TAGS_AT_ONCE} tags can be added at once.")
    with core.db.begin() as tx:
        recording = _changeable(tx, caller, recording_id)
        numbers = [each for each in tag_ids if isinstance(each, int) and not isinstance(each, bool)]
        usable = tags.usable(tx, caller.user_id, numbers)
        new = tags.link(tx, [recording_id], [tag.id for tag in usable])
        if new:
            recordings_updated(core, tx, recording.user_id, {recording_id: recording.title}, ["tags"])
    known = {tag.id for tag in usable}
    errors = [f"There is no tag {each} that you may use." for each in dict.fromkeys(numbers) if each not in known]
    errors += ["What is no number names no tag."] * (len(tag_ids) - len(numbers))
    return Tagged([tag for tag in usable if (recording_id, tag.id) in new], errors)


def remove_from(core: Core, caller: Caller, recording_id: int, tag_id: int) -> None:
    """Takes a tag off a recording. Raises NotFound when it does not have it."""
    with core.db.begin() as tx:
        recording = _changeable(tx, caller, recording_id)
        if not tags.unlink(tx, [recording_id], [tag_id]):
            raise NotFound("The recording does not have this tag.")
        recordings_updated(core, tx, recording.user_id, {recording_id: recording.title}, ["tags"])


def _changeable(tx: Transaction, caller: Caller, recording_id: int) -> Recording:
    recording = found(recordings.by_id(tx, recording_id, lock=True), "recording")
    access.check(caller, Action.CHANGE, recording)
    return recording


def _clean(core: Core, given: Mapping[str, Any], before: Defaults, *, new: bool) -> dict[str, Any]:
    values = clean_defaults(given, before)
    values |= clean_protection(given, auto_deletion=core.policy.auto_deletion, new=new)
    if "name" in given:
        values["name"] = clean_name("tag", given["name"], NAME_LENGTH)
    if "color" in given:
        values["color"] = clean_color(given["color"] or COLOR)
    return values


def _taken(name: str) -> Invalid:
    return Invalid(f"There is a tag “{name.strip()}” already.")
