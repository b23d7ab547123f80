"""Run by a deploy: `{"step": "pre"}` before the new code takes over, `{"step": "post"}` when the old one is gone."""

from typing import Any

from functions.aws.runtime import Event
from shared.domain.errors import Invalid


def handler(event: Event, _: Any) -> dict[str, str]:
    from shared.db.database import Database
    from shared.db.migrations import migrate
    from shared.wiring import cloud

    step = event.get("step")
    if step not in ("pre", "post"):
        raise Invalid('Say {"step": "pre"} or {"step": "post"}.')
    database = Database(cloud.database_url(), pool_size=1)
    try:
        return {"revision": migrate(database, only_pre=step == "pre")}
    finally:
        database.close()
