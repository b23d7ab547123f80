"""The transcript templates of a user; at most one of them is the default."""

from collections.abc import Mapping
from typing import Any

from shared.db import accounts, templates
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Conflict, Invalid, NotFound
from shared.domain.recordings import check_storable
from shared.domain.templates import DESCRIPTION_LENGTH, NAME_LENGTH, TEMPLATE_LENGTH, Template
from shared.services import access
from shared.services.accounts import clean_line
from shared.services.core import Core

MOST_TEMPLATES = 100


def listed(core: Core, caller: Caller) -> list[Template]:
    access.need(caller, Scope.READ)
    with core.db.begin() as tx:
        return templates.of_user(tx, caller.user_id)


def create(core: Core, caller: Caller, said: Mapping[str, Any]) -> Template:
    """`said` has name and template, and perhaps description and is_default. Raises Invalid, Conflict."""
    access.need(caller, Scope.WRITE)
    values = _checked(said)
    with core.db.begin() as tx:
        _make_room(tx, caller.user_id, values, None)
        if len(templates.of_user(tx, caller.user_id)) >= MOST_TEMPLATES:
            raise Conflict(f"You have {MOST_TEMPLATES} templates, which is as many as there can be.")
        return templates.add(tx, caller.user_id, created_at=core.now(), updated_at=core.now(), **values)


def change(core: Core, caller: Caller, template_id: int, said: Mapping[str, Any]) -> Template:
    """`said` has what is to be changed. Raises NotFound also for templates of others, Invalid, Conflict."""
    access.need(caller, Scope.WRITE)
    values = _checked(said)
    with core.db.begin() as tx:
        _make_room(tx, caller.user_id, values, template_id)
        return templates.change(tx, template_id, updated_at=core.now(), **values)


def remove(core: Core, caller: Caller, template_id: int) -> None:
    """Raises NotFound also for templates of others."""
    access.need(caller, Scope.WRITE)
    with core.db.begin() as tx:
        # Nobody changes it meanwhile.
        accounts.lock_user(tx, caller.user_id)
        removed = templates.remove(tx, caller.user_id, template_id)
    if not removed:
        raise NotFound("There is no such template.")


def _make_room(tx: Transaction, user_id: int, values: Mapping[str, Any], template_id: int | None) -> None:
    """Names are unique, and a new default takes the place of the old one."""
    accounts.lock_user(tx, user_id)
    if template_id is not None and templates.by_id(tx, user_id, template_id) is None:
        raise NotFound("There is no such template.")
    if "name" in values and templates.taken(tx, user_id, values["name"]) not in (None, template_id):
        raise Conflict("You have a template of that name already.")
    if values.get("is_default"):
        templates.unset_default(tx, user_id)


def _checked(said: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(said)
    if "name" in values:
        values["name"] = clean_line("name", values["name"], NAME_LENGTH)
    if "description" in values:
        values["description"] = clean_line("description", values["description"], DESCRIPTION_LENGTH)
    if "template" in values:
        check_storable("template", values["template"])
        if len(values["template"]) > TEMPLATE_LENGTH:
            raise Invalid(f"A template may have at most {TEMPLATE_LENGTH} characters.")
    if not values.get("name", True) or not values.get("template", True):
        raise Invalid("A template needs a name and a text.")
    return values
