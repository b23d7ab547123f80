"""Run by the operator: `{"user": "ann", "admin": true}` answers a new API token, which is shown only here.

`scopes` (a list), `days` and `name` may be said, too, as for `hansard token`.
"""

from typing import Any

from functions.aws.runtime import Event, core
from shared.domain.errors import Invalid


def handler(event: Event, _: Any) -> dict[str, str]:
    from shared.services import accounts
    from shared.services.tokens import parse_scopes

    user, admin, scopes = event.get("user"), event.get("admin", False), event.get("scopes")
    days, name = event.get("days", 0), event.get("name", "operator")
    if not isinstance(user, str) or not isinstance(admin, bool):
        raise Invalid('Say {"user": "NAME"}, and perhaps "admin": true.')
    if type(days) is not int or not isinstance(name, str):
        raise Invalid('"days" is a number and "name" a text.')
    if scopes is not None and (not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes)):
        raise Invalid('"scopes" is a list such as ["read", "upload"].')
    wanted = None if scopes is None else parse_scopes(scopes)
    token = accounts.issue_token(core().db, user, is_admin=admin, name=name, scopes=wanted, days=days)
    return {"user": user, "token": token}
