"""Transcript templates, and what they make of transcripts."""

from typing import Any

import pytest

from shared.db.database import Database
from tests.support.door import Door
from tests.support.world import ATTEMPT, World

TEMPLATES = "/api/transcript-templates"
NEW = {"name": "Minutes", "template": "{{index}}. {{speaker|upper}}: {{text}}\n", "description": "For minutes"}


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def created(door: Door, **changes: Any) -> dict[str, Any]:
    answer = door.post(TEMPLATES, door.world.ann, json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def defaults(door: Door) -> list[str]:
    return [each["name"] for each in door.get(TEMPLATES, door.world.ann).json() if each["is_default"]]


def transcribed(door: Door) -> str:
    """The address of a recording of Ann's that is done."""
    recording, task = door.world.launched()
    door.world.begin(task)
    assert door.world.report(task, *ATTEMPT) is not None
    return f"/api/v1/recordings/{recording.id}"


def test_a_template_is_kept_as_it_is(door: Door) -> None:
    made = created(door)
    assert {name: made[name] for name in NEW} == NEW
    assert made.keys() == {*NEW, "id", "is_default", "created_at", "updated_at"}
    assert made["is_default"] is False
    assert made["created_at"].endswith("Z")
    assert door.get(TEMPLATES, door.world.ann).json() == [made]


def test_templates_come_by_name(door: Door) -> None:
    for name in ("b", "a", "c"):
        created(door, name=name)
    assert [each["name"] for each in door.get(TEMPLATES, door.world.ann).json()] == ["a", "b", "c"]


def test_what_is_given_is_changed(door: Door) -> None:
    made = created(door)
    door.world.clock.pass_by(60)
    answer = door.put(f"{TEMPLATES}/{made['id']}", door.world.ann, json={"template": " {{text}} ", "description": None})
    assert answer.status_code == 200
    changed = answer.json()
    assert changed.pop("updated_at") > made.pop("updated_at")
    assert changed == {**made, "template": " {{text}} ", "description": None}
    assert door.put(f"{TEMPLATES}/{made['id']}", door.world.ann, json={"name": "Minutes"}).status_code == 200


def test_one_default_at_most(door: Door) -> None:
    created(door, name="a", is_default=True)
    second = created(door, name="b", is_default=True)
    assert defaults(door) == ["b"]
    third = created(door, name="c")
    door.put(f"{TEMPLATES}/{third['id']}", door.world.ann, json={"is_default": True})
    assert defaults(door) == ["c"]
    door.put(f"{TEMPLATES}/{third['id']}", door.world.ann, json={"is_default": False})
    assert defaults(door) == []
    door.put(f"{TEMPLATES}/{second['id']}", door.world.ann, json={"is_default": True})
    assert door.delete(f"{TEMPLATES}/{second['id']}", door.world.ann).json() == {"success": True}
    assert defaults(door) == []


def test_a_name_is_taken_once_per_user(door: Door) -> None:
    created(door)
    other = created(door, name="Other")
    assert door.post(TEMPLATES, door.world.ann, json=NEW).status_code == 409
    assert door.put(f"{TEMPLATES}/{other['id']}", door.world.ann, json={"name": " Minutes"}).status_code == 409
    assert door.post(TEMPLATES, door.world.user("bob"), json=NEW).status_code == 201


UNFIT: list[Any] = [
    None,
    {},
    [],
    {"name": "x"},
    {"template": "x"},
    {"name": " ", "template": "x"},
    {"name": "x", "template": ""},
    {"name": 5, "template": "x"},
    {"name": "x", "template": ["x"]},
    {"name": "x" * 101, "template": "x"},
    {"name": "x", "template": "x" * 10_001},
    {"name": "x", "template": "a\x00b"},
    {"name": "x", "template": "x", "description": "x" * 501},
    {"name": "x", "template": "x", "is_default": "yes"},
    {"name": "x", "template": "x", "is_default": None},
]


def test_a_template_that_cannot_be_is_refused(door: Door) -> None:
    for body in UNFIT:
        answer = door.post(TEMPLATES, door.world.ann, json=body)
        assert (answer.status_code, list(answer.json())) == (400, ["error"]), body
    assert door.get(TEMPLATES, door.world.ann).json() == []


UNFIT_CHANGES: list[Any] = [None, {}, [], {"name": ""}, {"template": ""}, {"name": None}, {"is_default": None}]


def test_a_change_that_cannot_be_is_refused(door: Door) -> None:
    made = created(door)
    for body in UNFIT_CHANGES:
        assert door.put(f"{TEMPLATES}/{made['id']}", door.world.ann, json=body).status_code == 400, body
    assert door.get(TEMPLATES, door.world.ann).json() == [made]


def test_templates_of_others_are_not_there(door: Door) -> None:
    made, bob = created(door), door.world.user("bob")
    for missing in (made["id"], 999_999, 2**63, "x"):
        assert door.put(f"{TEMPLATES}/{missing}", bob, json={"is_default": True}).status_code == 404
        answer = door.delete(f"{TEMPLATES}/{missing}", bob)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
    assert door.get(TEMPLATES, bob).json() == []
    assert door.get(TEMPLATES).status_code == 401


def test_transcripts_are_written_as_the_default_template_has_it(door: Door) -> None:
    one, ann = transcribed(door), door.world.ann
    plain = "\n".join(["[SPEAKER_00]: Hello."] * 4)
    assert door.get(one, ann).json()["transcription"] == plain
    assert door.get(f"{one}/transcript?format=text", ann).json() == {"format": "text", "content": plain}
    created(door, name="Not the default")
    assert door.get(one, ann).json()["transcription"] == plain
    created(door, template="{{start_time|srt}} {{text}}", is_default=True)
    filled = "\n".join(f"00:00:0{second},000 Hello." for second in range(4))
    assert door.get(one, ann).json()["transcription"] == filled
    assert door.get(f"{one}/transcript?format=TEXT", ann).json() == {"format": "text", "content": filled}
    assert door.get(f"{one}/transcript?format=srt", ann).json()["content"].startswith("1\n00:00:00,000 -->")
    assert "Hello." in str(door.get(f"{one}/transcript", ann).json()["segments"])


def test_text_of_a_recording_without_a_transcript_is_not_there(door: Door) -> None:
    recording = door.world.upload()
    answer = door.get(f"/api/v1/recordings/{recording.id}/transcript?format=text", door.world.ann)
    assert answer.status_code == 404
    stranger = door.world.user("bob")
    assert door.get(f"/api/v1/recordings/{recording.id}/transcript?format=text", stranger).status_code == 403
