"""Idempotency-Keys below the doors: claims in transactions, answers that are kept, and what crashes leave."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import Conflict, Unavailable
from shared.services import idempotency
from shared.services.sweep import sweep
from tests.support.world import World

DAY = timedelta(hours=24).total_seconds()


def make(world: World, key: str | None, made: list[int], purpose: str = "make") -> int:
    """A use case that makes a thing, numbered from 1."""
    with world.db.begin() as tx:
        before = idempotency.claim(world.core, tx, world.ann.user_id, key, purpose)
        if before is not None:
            return before
        made.append(len(made) + 1)
        idempotency.settle(tx, world.ann.user_id, key, made[-1])
        return made[-1]


def test_the_same_key_makes_one_thing(world: World) -> None:
    made: list[int] = []
    assert [make(world, key, made) for key in ("a", "a", "b", None, None, "a")] == [1, 1, 2, 3, 4, 1]


def test_two_at_once_wait_for_each_other(world: World) -> None:
    for again in range(5):
        made: list[int] = []
        with ThreadPoolExecutor(6) as pool:
            answers = [each.result(30) for each in [pool.submit(make, world, f"k{again}", made) for _ in range(6)]]
        assert (set(answers), made) == ({1}, [1])


def test_a_claim_that_is_rolled_back_was_never_made(world: World) -> None:
    made: list[int] = []
    with pytest.raises(RuntimeError), world.db.begin() as tx:
        assert idempotency.claim(world.core, tx, world.ann.user_id, "k", "make") is None
        raise RuntimeError("killed")
    assert make(world, "k", made) == 1


def test_who_waits_for_a_claim_that_fails_does_the_work(world: World) -> None:
    claimed, fail, made = threading.Event(), threading.Event(), list[int]()

    def first() -> None:
        with pytest.raises(RuntimeError), world.db.begin() as tx:
            idempotency.claim(world.core, tx, world.ann.user_id, "k", "make")
            claimed.set()
            fail.wait(10)
            raise RuntimeError("killed")

    with ThreadPoolExecutor(2) as pool:
        begun = pool.submit(first)
        claimed.wait(10)
        second = pool.submit(make, world, "k", made)
        assert not second.done()
        fail.set()
        assert second.result(10) == 1
        begun.result(10)


def test_a_key_is_good_for_one_purpose_and_one_user(world: World) -> None:
    make(world, "k", [])
    with pytest.raises(Conflict, match="another request"):
        make(world, "k", [], purpose="something else")
    with pytest.raises(Conflict):
        idempotency.recall(world.core, world.ann, "k", "something else")
    assert idempotency.recall(world.core, world.user("bob"), "k", "make") is None


def test_a_key_is_forgotten_after_a_day(world: World) -> None:
    made: list[int] = []
    make(world, "k", made)
    world.clock.pass_by(DAY - 1)
    sweep(world.core)
    assert idempotency.recall(world.core, world.ann, "k", "make") == 1
    world.clock.pass_by(1)
    assert idempotency.recall(world.core, world.ann, "k", "make") is None
    assert make(world, "k", made, purpose="another one") == 2
    world.clock.pass_by(DAY)
    sweep(world.core)
    assert world.count("idempotency_keys") == 0


def once(world: World, act: Any, key: str | None = "k") -> tuple[dict[str, Any], bool]:
    return idempotency.once(world.core, world.ann, key, "ask", act)


def test_an_answer_is_kept_as_it_was(world: World) -> None:
    answer = {"text": "a\x00b \ud800 ü \\u0000", "list": [1, None, {"z": 1, "a": 0.5}]}
    assert once(world, lambda: answer) == (answer, False)
    assert once(world, lambda: pytest.fail("asked again")) == (answer, True)
    assert list(once(world, lambda: None)[0]) == ["text", "list"]


def test_without_a_key_each_is_asked(world: World) -> None:
    assert [once(world, lambda number=number: {"n": number}, None)[0]["n"] for number in (1, 2)] == [1, 2]
    assert world.count("idempotency_keys") == 0


def test_while_one_is_at_work_the_other_is_told_so(world: World) -> None:
    def act() -> dict[str, Any]:
        with pytest.raises(Conflict, match="still at work"):
            once(world, lambda: pytest.fail("asked twice"))
        return {}

    assert once(world, act) == ({}, False)


def test_an_error_is_not_kept(world: World) -> None:
    def fail() -> dict[str, Any]:
        raise Unavailable("The model is away.")

    with pytest.raises(Unavailable):
        once(world, fail)
    assert once(world, lambda: {"ok": True}) == ({"ok": True}, False)


def test_who_died_over_a_key_does_not_block_it(world: World) -> None:
    def die() -> dict[str, Any]:
        raise SystemExit

    with world.db.begin() as tx:
        assert idempotency.claim(world.core, tx, world.ann.user_id, "k", "ask") is None
    with pytest.raises(Conflict):
        once(world, dict)
    world.clock.pass_by(120)
    assert once(world, lambda: {"ok": True}) == ({"ok": True}, False)
    with pytest.raises(SystemExit):
        once(world, die, "other")


def test_purposes_tell_targets_and_wishes_apart() -> None:
    same = idempotency.purpose("transcribe", 1, {"a": 1, "b": None})
    assert same == idempotency.purpose("transcribe", 1, {"b": None, "a": 1})
    others = [
        ("transcribe", 2, {"a": 1, "b": None}),
        ("summarize", 1, {"a": 1, "b": None}),
        ("transcribe", 1, {"a": 1}),
    ]
    assert same not in [idempotency.purpose(*each) for each in others]
