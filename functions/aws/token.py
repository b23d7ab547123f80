"""Run by the operator: `{"user": "ann", "admin": true}` answers a new API token, which is shown only here."""

from typing import Any

from functions.aws.runtime import Event, core
from shared.domain.errors import Invalid


def handler(event: Event, _: Any) -> dict[str, str]:
    from shared.services import accounts

    user, admin = event.get("user"), event.get("admin", False)
    if not isinstance(user, str) or not isinstance(admin, bool):
        raise Invalid('Say {"user": "NAME"}, and perhaps "admin": true.')
    return {"user": user, "token": accounts.issue_token(core().db, user, is_admin=admin, name="operator")}
