"""What Speakr's own tests hold it to: webhooks. The numbers are those of the contract's list."""

import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from hmac import new as mac
from typing import Any

import pytest

from shared.adapters.http_webhooks import HttpWebhookSender, Resolved
from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.domain.tasks import Failed
from shared.ports import Response
from tests.support.clients import API, RECORDINGS, bearer, moment, refusal
from tests.support.door import Door
from tests.support.hooks import send_due
from tests.support.receiver import Receiver
from tests.support.world import ATTEMPT, STARTED, World

HOOKS = f"{API}/webhooks"
NEW = {"name": "flow", "url": "https://hooks.example/in", "events": ["recording.updated", "webhook.test"]}


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def door(world: World) -> Door:
    return Door(world)


# 9: webhooks


def made(door: Door, caller: Caller | None = None, **asked: Any) -> dict[str, Any]:
    answer = door.post(HOOKS, caller or door.world.ann, json={**NEW, **asked})
    assert answer.status_code == 201, answer.text
    return answer.json()


def seen(door: Door, webhook: dict[str, Any]) -> dict[str, Any]:
    return door.get(f"{HOOKS}/{webhook['id']}", door.world.ann).json()


def try_out(door: Door, webhook: dict[str, Any]) -> dict[str, Any]:
    answer = door.post(f"{HOOKS}/{webhook['id']}/test", door.world.ann)
    assert answer.status_code == 202, answer.text
    return answer.json()


def delivered(door: Door, delivery: dict[str, Any]) -> dict[str, Any]:
    place = f"{HOOKS}/{delivery['webhook_id']}/deliveries/{delivery['id']}"
    return door.get(place, door.world.ann).json()


def test_9_a_secret_is_shown_once_and_again_when_it_is_changed(door: Door) -> None:
    webhook = made(door)
    assert len(webhook["secret"]) == 43
    assert "secret" not in seen(door, webhook)
    assert "secret" not in door.get(HOOKS, door.world.ann).json()["webhooks"][0]
    rotated = door.post(f"{HOOKS}/{webhook['id']}/rotate-secret", door.world.ann)
    assert rotated.status_code == 200
    assert rotated.json()["secret"] not in ("", webhook["secret"])


def test_9_unknown_events_and_private_addresses_are_a_400(world: World) -> None:
    world.core = replace(world.core, webhook_sender=HttpWebhookSender())
    door = Door(world)
    unknown = door.post(HOOKS, world.ann, json={**NEW, "url": "https://8.8.8.8/", "events": ["recording.eaten"]})
    refusal(unknown, 400)
    assert "recording.created" in unknown.json()["allowed"]
    for host in ("127.0.0.1", "10.0.0.8", "192.168.1.4", "169.254.169.254", "[::1]"):
        refusal(door.post(HOOKS, world.ann, json={**NEW, "url": f"https://{host}/"}), 400)
    assert door.get(HOOKS, world.ann).json()["webhooks"] == []


def test_9_a_list_has_only_what_is_the_callers(door: Door) -> None:
    bob = door.world.user("bob")
    mine, his = made(door), made(door, bob)
    assert [each["id"] for each in door.get(HOOKS, door.world.ann).json()["webhooks"]] == [mine["id"]]
    refusal(door.get(f"{HOOKS}/{his['id']}", door.world.ann), 404)


def test_9_events_and_the_switch_can_be_changed(door: Door) -> None:
    webhook = made(door)
    body = {"events": ["recording.deleted"], "enabled": False}
    assert door.patch(f"{HOOKS}/{webhook['id']}", door.world.ann, json=body).status_code == 200
    after = seen(door, webhook)
    assert (after["events"], after["enabled"], after["name"]) == (["recording.deleted"], False, "flow")


def test_9_a_test_waits_and_is_sent_again_as_another_event(door: Door) -> None:
    webhook = made(door)
    test = try_out(door, webhook)
    assert (test["status"], test["event_type"], test["attempt_count"]) == ("pending", "webhook.test", 0)
    answer = door.post(f"{HOOKS}/{webhook['id']}/deliveries/{test['id']}/replay", door.world.ann)
    assert answer.status_code == 202
    assert answer.json()["event_id"] != test["event_id"]
    payload = json.loads(delivered(door, answer.json())["payload"])
    assert (payload["id"], payload["replayed_from"]) == (answer.json()["event_id"], test["event_id"])


def test_9_the_eleventh_webhook_is_a_409(door: Door) -> None:
    for _ in range(10):
        made(door)
    answer = door.post(HOOKS, door.world.ann, json=NEW)
    refusal(answer, 409)
    assert answer.json()["max_per_user"] == 10


# 10 and 11: what an answer means, and when the next attempt is


def settled(door: Door, webhook: dict[str, Any], *answers: int) -> dict[str, Any]:
    """A test delivery after so many attempts, as its user sees it."""
    test = try_out(door, webhook)
    for status in answers:
        door.world.sender.answers = [Response(status, "")]
        assert send_due(door.world) == 1
    return delivered(door, test)


def test_10_a_204_is_a_success_and_forgets_failures(door: Door) -> None:
    webhook = made(door)
    settled(door, webhook, 400)
    assert seen(door, webhook)["consecutive_failures"] == 1
    found = settled(door, webhook, 204)
    assert (found["status"], found["response_status"], found["attempt_count"]) == ("success", 204, 1)
    assert moment(found["delivered_at"]) == door.world.clock.time
    assert seen(door, webhook)["consecutive_failures"] == 0


def test_10_a_502_is_tried_again_and_a_400_is_not(door: Door) -> None:
    webhook = made(door)
    refused = settled(door, webhook, 400)
    assert (refused["status"], refused["next_retry_at"]) == ("permanent_failure", None)
    assert seen(door, webhook)["consecutive_failures"] == 1
    failed = settled(door, webhook, 502)
    assert (failed["status"], failed["response_status"]) == ("failed", 502)
    assert moment(failed["next_retry_at"]) > door.world.clock.time
    assert seen(door, webhook)["consecutive_failures"] == 1, "a delivery that will be tried again has not failed yet"


def test_10_the_tenth_failure_pauses_and_a_trial_that_goes_well_resumes(door: Door) -> None:
    webhook = made(door)
    for _ in range(9):
        settled(door, webhook, 400)
    assert seen(door, webhook)["enabled"] is True
    last = settled(door, webhook, 400)
    paused = seen(door, webhook)
    assert (paused["enabled"], paused["auto_paused"], paused["consecutive_failures"]) == (False, True, 10)
    assert moment(last["next_retry_at"]) - door.world.clock.time == timedelta(hours=1)
    door.world.clock.pass_by(3600)
    assert send_due(door.world) == 1
    resumed = seen(door, webhook)
    assert (resumed["enabled"], resumed["auto_paused"], resumed["consecutive_failures"]) == (True, False, 0)
    assert delivered(door, last)["status"] == "success"


def test_11_the_waits_are_those_of_the_table_and_then_it_is_over(door: Door) -> None:
    webhook = made(door)
    test = try_out(door, webhook)
    door.world.sender.answers = [Response(503, "")] * 4
    for wait in (30, 120, 600, 3600):
        assert send_due(door.world) == 1
        waits = (moment(delivered(door, test)["next_retry_at"]) - door.world.clock.time).total_seconds()
        assert wait <= waits <= wait * 1.1
        door.world.clock.pass_by(waits)
    door.world.sender.answers = [Response(503, "", retry_after=9e9)]
    assert send_due(door.world) == 1
    over = delivered(door, test)
    assert (over["status"], over["attempt_count"], over["next_retry_at"]) == ("permanent_failure", 5, None)


# 12 and 13: what is sent, and where to


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def calling(world: World, receiver: Receiver) -> tuple[Door, dict[str, Any]]:
    """A webhook of ann's that really is called."""
    world.core = replace(world.core, webhook_sender=HttpWebhookSender(r"^127\.0\.0\.1$"))
    door = Door(world)
    return door, made(door, url=receiver.url)


def test_12_the_body_is_compact_and_the_very_bytes_are_signed(world: World, receiver: Receiver) -> None:
    door, webhook = calling(world, receiver)
    recording = world.upload(title="Grüße, 世界")
    assert door.patch(f"{RECORDINGS}/{recording.id}", world.ann, json={"notes": "n"}).is_success
    assert send_due(world) == 1
    (found,) = receiver.received
    assert found.body == json.dumps(json.loads(found.body), ensure_ascii=False, separators=(",", ":")).encode()
    assert "Grüße, 世界".encode() in found.body
    expected = f"sha256={mac(webhook['secret'].encode(), found.body, sha256).hexdigest()}"
    assert compare_digest(found.headers["Speakr-Signature"], expected)
    assert (found.headers["Content-Type"], found.headers["Speakr-Event"]) == ("application/json", "recording.updated")


def test_12_a_redirect_is_not_followed(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda handler: handler.reply(307, Location=f"{receiver.url}/elsewhere")
    door, webhook = calling(world, receiver)
    test = try_out(door, webhook)
    assert send_due(world) == 1
    assert [each.path for each in receiver.received] == ["/hook"]
    assert (delivered(door, test)["status"], delivered(door, test)["response_status"]) == ("permanent_failure", 307)


@pytest.mark.parametrize(
    ("addresses", "allowlist", "status"),
    [
        (["8.8.8.8", "10.0.0.1"], None, 400),
        (["240.0.0.1"], None, 400),
        (["224.0.0.1"], None, 400),
        (["ff02::1"], None, 400),
        (["8.8.8.8", "2606:4700::1111"], None, 201),
        (["10.0.0.1"], r"\.intra\.example$", 201),
        (["10.0.0.1"], r"\.elsewhere\.example$", 400),
    ],
)
def test_13_every_address_of_a_name_has_to_be_public_or_allowed(
    world: World, addresses: list[str], allowlist: str | None, status: int
) -> None:
    def resolve(host: str, port: int) -> Sequence[Resolved]:
        assert host == "n8n.intra.example"
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, (each, port)) for each in addresses]

    world.core = replace(world.core, webhook_sender=HttpWebhookSender(allowlist, resolve=resolve))
    answer = Door(world).post(HOOKS, world.ann, json={**NEW, "url": "https://n8n.intra.example/"})
    assert answer.status_code == status, answer.text


# 14 and 15: what is told


def payloads(world: World) -> list[dict[str, Any]]:
    return [row.said for row in world.rows("SELECT payload::jsonb AS said FROM webhook_deliveries ORDER BY id")]


def test_14_the_reason_of_a_failure_is_cut_at_500(door: Door) -> None:
    made(door, events=["recording.transcription.failed"])
    recording, task = door.world.launched(title="Talk")
    door.world.report(task, STARTED, Failed("ä" * 501))
    (told,) = payloads(door.world)
    assert (told["type"], told["user_id"]) == ("recording.transcription.failed", door.world.ann.user_id)
    assert told["data"] == {"recording_id": recording.id, "title": "Talk", "error": "ä" * 500}


def test_15_a_change_of_two_fields_is_told_once_with_both(door: Door) -> None:
    made(door)
    recording, task = door.world.launched(title="Talk")
    door.world.report(task, *ATTEMPT)
    before = len(payloads(door.world))
    body = {"title": "Another", "notes": "Weekly", "unknown": 1}
    assert bearer(door).ask("PATCH", f"{RECORDINGS}/{recording.id}", json=body).status_code == 200
    (told,) = payloads(door.world)[before:]
    assert told["type"] == "recording.updated"
    assert sorted(told["data"]["fields_changed"]) == ["notes", "title"]
    assert (told["data"]["recording_id"], told["data"]["title"]) == (recording.id, "Another")
