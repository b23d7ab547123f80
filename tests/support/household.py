"""A World with one of everything that is Ann's, and people who stand to her in every way there is."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert

from shared.db import accounts, groups
from shared.db.tables import calendar_events, webhook_deliveries
from shared.domain.accounts import Caller, Role
from shared.domain.recordings import Recording
from tests.support.door import Door
from tests.support.operations import Operation
from tests.support.world import ATTEMPT, World

#: In the text of everything that is Ann's: what others are answered must not contain it.
MARK = "Annsown"


@dataclass
class Household:
    world: World
    door: Door
    recording: Recording
    people: dict[str, Caller]
    ids: dict[str, Any]

    def path(self, template: str) -> str:
        return template.format(**self.ids)

    def request(self, key: tuple[str, str], operation: Operation, token: str | None) -> Any:
        """Sends the request of an operation about Ann's things."""
        method, template = key
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        rest: dict[str, Any] = dict(operation.form)
        if operation.body is not None:
            rest["json"] = filled(operation.body, self.ids)
        return self.door.client.request(method, self.path(template), headers=headers, follow_redirects=False, **rest)


def filled(body: Any, ids: dict[str, Any]) -> Any:
    if isinstance(body, dict):
        return {name: filled(value, ids) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, ids) for value in body]
    return ids.get(body, body) if isinstance(body, str) else body


def household(world: World) -> Household:
    """Ann; Bob, a stranger; Mia, a member, and Gus, an admin, of a group that Ann is in; Sue, who runs the site."""
    world.core = replace(world.core, policy=replace(world.core.policy, folders=True))
    people = {name: world.user(name) for name in ("ann", "bob", "mia", "gus", "sue")}
    with world.db.begin() as tx:
        accounts.ensure_user(tx, "sue", is_admin=True)
        group = groups.add(tx, "Team")
        assert group is not None
        for name, role in (("ann", Role.MEMBER), ("mia", Role.MEMBER), ("gus", Role.ADMIN)):
            groups.join(tx, group.id, people[name].user_id, role)
    door = Door(world)
    recording, task = world.launched(title=f"{MARK} title")
    world.begin(task)
    world.report(task, *ATTEMPT)
    ids = {"recording_id": recording.id, "group_id": group.id, **_things(world, door, recording)}
    return Household(world, door, recording, people, ids)


def _things(world: World, door: Door, recording: Recording) -> dict[str, Any]:
    def made(path: str, **body: Any) -> dict[str, Any]:
        answer = door.post(path, world.ann, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    tag = made("/api/v1/tags", name=f"{MARK} tag")["id"]
    door.post(f"/api/v1/recordings/{recording.id}/tags", world.ann, json={"tag_ids": [tag]})
    url = "https://example.com/hook"
    hook = made("/api/v1/webhooks", name=MARK, url=url, events=["recording.deleted"])["id"]
    delivery = {"webhook_id": hook, "event_id": recording.uuid, "event_type": "webhook.test", "payload": '{"data":{}}'}
    with world.db.begin() as tx:
        tx.execute(insert(calendar_events).values(recording_id=recording.id, title=MARK, start_at=world.clock()))
        added = tx.execute(insert(webhook_deliveries).values(**delivery).returning(webhook_deliveries.c.id))
        delivery_id = added.scalar_one()
    return {
        "tag_id": tag,
        "folder_id": made("/api/v1/folders", name=f"{MARK} folder")["id"],
        "speaker_id": made("/api/v1/speakers", name=f"{MARK} speaker")["id"],
        "webhook_id": hook,
        "delivery_id": delivery_id,
        "token_id": made("/api/tokens", name=MARK)["id"],
        "template_id": made("/api/transcript-templates", name=MARK, template="{{text}}")["id"],
        "upload_id": made("/uploads", filename="b.wav", size=5, content_type="audio/wav")["upload_id"],
    }
