"""Webhooks through the door: shapes, codes, and a real server that sends."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from shared.db.database import Database
from tests.support.door import Door
from tests.support.receiver import Receiver
from tests.support.server import Server
from tests.support.waiting import until
from tests.support.world import World

EVENTS = [
    "recording.created",
    "recording.transcription.started",
    "recording.transcription.completed",
    "recording.transcription.failed",
    "recording.summary.completed",
    "recording.summary.failed",
    "recording.events.extracted",
    "recording.updated",
    "recording.deleted",
    "webhook.test",
]
PATH = "/api/v1/webhooks"
NEW = {"name": "n8n pipeline", "url": "https://hooks.example.com/speakr", "events": ["recording.deleted"]}
KEYS = {
    "id",
    "user_id",
    "name",
    "url",
    "allow_http",
    "events",
    "enabled",
    "auto_paused",
    "consecutive_failures",
    "created_at",
    "updated_at",
    "last_delivery_at",
}
DELIVERY = {
    "id",
    "webhook_id",
    "event_id",
    "event_type",
    "attempt_count",
    "status",
    "response_status",
    "response_body_preview",
    "error_message",
    "next_retry_at",
    "created_at",
    "delivered_at",
}


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def made(door: Door, **asked: Any) -> dict[str, Any]:
    answer = door.post(PATH, door.world.ann, json={**NEW, **asked})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(door: Door) -> None:
    new = made(door)
    assert set(new) == KEYS | {"secret", "signing_key"}
    assert (new["allow_http"], new["enabled"], new["auto_paused"], new["consecutive_failures"]) == (
        False,
        True,
        False,
        0,
    )
    assert new["created_at"].endswith("Z") and new["last_delivery_at"] is None
    got = door.get(f"{PATH}/{new['id']}", door.world.ann).json()
    assert got == {key: new[key] for key in KEYS}
    listed = door.get(PATH, door.world.ann).json()
    assert listed == {"webhooks": [got], "event_types": EVENTS, "max_per_user": 10}


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"name": " "}, {"error"}),
        ({"name": None}, {"error"}),
        ({"url": ""}, {"error"}),
        ({"url": 7}, {"error"}),
        ({"events": []}, {"error"}),
        ({"events": "recording.created"}, {"error"}),
        ({"events": [1]}, {"error"}),
        ({"events": ["recording.created", "nothing"]}, {"error", "allowed"}),
        ({"name": "\x00"}, {"error"}),
        ({"enabled": "perhaps"}, {"error"}),
        ({"allow_http": 10**400}, {"error"}),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(door: Door, asked: dict[str, Any], keys: set[str]) -> None:
    answer = door.post(PATH, door.world.ann, json={**NEW, **asked})
    assert (answer.status_code, set(answer.json())) == (400, keys)
    if "allowed" in keys:
        assert answer.json()["allowed"] == EVENTS


@pytest.mark.parametrize("body", ["", "{", "[", "null", "[1]", '"x"', "7", "\ud800".encode("utf-8", "surrogatepass")])
def test_bodies_that_are_none_count_for_empty_ones(door: Door, body: Any) -> None:
    number = made(door)["id"]
    assert door.post(PATH, door.world.ann, content=body).status_code == 400
    patched = door.patch(f"{PATH}/{number}", door.world.ann, content=body).status_code
    tested = door.post(f"{PATH}/{number}/test", door.world.ann, content=body).status_code
    assert (patched, tested) == (200, 202)


def test_an_address_that_is_refused_is_a_400(door: Door) -> None:
    door.world.sender.refused = "The host is not on the public internet."
    answer = door.post(PATH, door.world.ann, json=NEW)
    assert (answer.status_code, answer.json()) == (400, {"error": "The host is not on the public internet."})


def test_more_than_ten_are_a_409(door: Door) -> None:
    for _ in range(10):
        made(door)
    answer = door.post(PATH, door.world.ann, json=NEW)
    assert (answer.status_code, set(answer.json()), answer.json()["max_per_user"]) == (
        409,
        {"error", "max_per_user"},
        10,
    )


def test_a_patch_changes_what_it_says(door: Door) -> None:
    new = made(door)
    place = f"{PATH}/{new['id']}"
    changed = door.patch(place, door.world.ann, json={"events": ["webhook.test"], "enabled": False, "x": 1}).json()
    assert (changed["events"], changed["enabled"], changed["name"]) == (["webhook.test"], False, new["name"])
    assert "secret" not in changed
    for wrong in ({"name": " "}, {"events": []}, {"events": [1]}, {"events": ["x"]}):
        answer = door.patch(place, door.world.ann, json=wrong)
        assert (answer.status_code, set(answer.json())) == (400, {"error"}), wrong
    # Clients that send all they know send null for what they do not.
    assert door.patch(place, door.world.ann, json=dict.fromkeys(new)).is_success
    kept = {name: value for name, value in door.get(place, door.world.ann).json().items() if name != "updated_at"}
    assert kept == {name: value for name, value in changed.items() if name != "updated_at"}
    assert door.put(place, door.world.ann, json={}).status_code == 405


def test_a_rotation_shows_another_secret(door: Door) -> None:
    new = made(door)
    rotated = door.post(f"{PATH}/{new['id']}/rotate-secret", door.world.ann)
    assert rotated.status_code == 200
    assert rotated.json()["secret"] != new["secret"]
    assert rotated.json()["signing_key"].startswith("whsec_")


def test_a_test_is_a_delivery_that_is_pending(door: Door) -> None:
    new = made(door)
    place = f"{PATH}/{new['id']}"
    tested = door.post(f"{place}/test", door.world.ann)
    assert (tested.status_code, set(tested.json())) == (202, DELIVERY)
    assert (tested.json()["status"], tested.json()["attempt_count"], tested.json()["next_retry_at"]) == (
        "pending",
        0,
        None,
    )
    door.patch(place, door.world.ann, json={"enabled": False})
    assert door.post(f"{place}/test", door.world.ann).status_code == 409


def test_deliveries_are_listed_and_looked_at_and_sent_again(door: Door) -> None:
    new = made(door)
    place = f"{PATH}/{new['id']}/deliveries"
    tests = [door.post(f"{PATH}/{new['id']}/test", door.world.ann).json() for _ in range(3)]
    assert door.get(place, door.world.ann).json() == {"deliveries": tests[::-1], "limit": 50}
    one = door.get(f"{place}/{tests[0]['id']}", door.world.ann).json()
    assert set(one) == DELIVERY | {"payload"}
    assert json.loads(one["payload"])["id"] == tests[0]["event_id"]
    again = door.post(f"{place}/{tests[0]['id']}/replay", door.world.ann)
    assert (again.status_code, set(again.json())) == (202, DELIVERY)
    replayed = door.get(f"{place}/{again.json()['id']}", door.world.ann).json()["payload"]
    assert json.loads(replayed)["replayed_from"] == tests[0]["event_id"]


@pytest.mark.parametrize(
    ("said", "limit"), [("1", 1), ("0", 1), ("-5", 1), ("500", 200), ("x", 50), ("", 50), ("9" * 5000, 50)]
)
def test_a_limit_is_brought_within_its_bounds(door: Door, said: str, limit: int) -> None:
    place = f"{PATH}/{made(door)['id']}/deliveries"
    assert door.get(place, door.world.ann, params={"limit": said}).json() == {"deliveries": [], "limit": limit}


def test_what_is_gone_or_never_was_is_a_404(door: Door) -> None:
    number = made(door)["id"]
    deleted = door.delete(f"{PATH}/{number}", door.world.ann)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for path in (f"/{number}", f"/{2**63 - 1}", f"/{2**63}", "/x", f"/{number}/deliveries", f"/{number}/deliveries/1"):
        answer = door.get(PATH + path, door.world.ann)
        assert (answer.status_code, set(answer.json())) == (404, {"error"}), path


def test_those_of_others_are_a_404_and_strangers_get_a_401(door: Door) -> None:
    number = made(door)["id"]
    bob = door.world.user("bob")
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate-secret"),
        ("POST", "/test"),
        ("GET", "/deliveries"),
    ):
        place = f"{PATH}/{number}{path}"
        assert door.request(method, place, bob).status_code == 404
        assert door.request(method, place).status_code == 401
    assert door.get(PATH, bob).json()["webhooks"] == []


# A real server


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sending")
    with Server(folder / "data", webhook_allowlist="^127.0.0.1$", webhooks_per_user="100") as running:
        yield running
    assert "Traceback" not in running.logged()


def subscribe(server: Server, url: str) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post(PATH, json={"name": "one", "url": url, "events": ["recording.deleted"]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_server_without_an_allowlist_does_not_call_itself(server: Server) -> None:
    with server.client() as client:
        for url in (
            server.url,
            server.url.replace("http:", "https:"),
            "https://localhost/",
            "https://169.254.169.254/",
        ):
            answer = client.post(PATH, json={**NEW, "url": url, "allow_http": True})
            assert answer.status_code == 400, url


def test_a_receiver_hears_of_it_in_less_than_a_second(sending: Server) -> None:
    with Receiver() as receiver, sending.client() as client:
        webhook = subscribe(sending, receiver.url)
        began = time.monotonic()
        client.post(f"{PATH}/{webhook['id']}/test").raise_for_status()
        until(lambda: receiver.received)
        assert time.monotonic() - began < 1
        (found,) = receiver.received
        said = Verifier(webhook["signing_key"]).verify(found.body, {k.lower(): v for k, v in found.headers.items()})
        assert said["data"]["webhook_id"] == webhook["id"]
        until(lambda: _deliveries(sending, webhook)[0]["status"] == "success")


def _deliveries(server: Server, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    with server.client() as client:
        return client.get(f"{PATH}/{webhook['id']}/deliveries").json()["deliveries"]


def test_receivers_that_hang_keep_nobody_waiting(sending: Server) -> None:
    with Receiver() as hanging, Receiver() as well, sending.client() as client:
        hanging.answer = hanging.hang
        stuck = [subscribe(sending, hanging.url) for _ in range(2)]
        healthy = subscribe(sending, well.url)
        for webhook in stuck * 8:
            client.post(f"{PATH}/{webhook['id']}/test").raise_for_status()
        until(lambda: len(hanging.received) == 6)
        for _ in range(5):
            client.post(f"{PATH}/{healthy['id']}/test").raise_for_status()
        until(lambda: len(well.received) == 5, seconds=5)
        assert hanging.most == 6, "the rest of the room of a user is for the others"
