"""Windows of requests: when they begin, when they end, and that forgetting them changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.domain.errors import RateLimited
from shared.domain.rate_limits import Kind
from shared.services import rate_limits
from shared.services.sweep import sweep
from tests.support.world import World


def test_a_window_begins_with_its_first_request(world: World) -> None:
    counts = []
    for seconds in (0, 59, 1, 30, 29.5, 0.5):
        world.clock.pass_by(seconds)
        counts.append(rate_limits.count(world.core, "token:1", Kind.READ).count)
    assert counts == [1, 2, 1, 2, 3, 1]


def test_callers_and_classes_are_counted_apart(world: World) -> None:
    for name, kind in (("token:1", Kind.READ), ("token:2", Kind.READ), ("token:1", Kind.WRITE)):
        assert rate_limits.count(world.core, name, kind).count == 1


def test_the_last_allowed_request_passes_and_the_next_does_not(world: World) -> None:
    for left in range(9, -1, -1):
        standing = rate_limits.count(world.core, "user:1", Kind.PROCESS)
        rate_limits.check(standing)
        assert standing.remaining == left
    with pytest.raises(RateLimited):
        rate_limits.check(rate_limits.count(world.core, "user:1", Kind.PROCESS))


def test_at_once_each_gets_a_number_of_its_own(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        counted = pool.map(lambda _: rate_limits.count(world.core, "user:1", Kind.READ).count, range(40))
    assert sorted(counted) == list(range(1, 41))


def test_the_sweep_forgets_windows_that_are_over(world: World) -> None:
    rate_limits.count(world.core, "user:1", Kind.READ)
    world.clock.pass_by(30)
    rate_limits.count(world.core, "user:2", Kind.READ)
    world.clock.pass_by(30)
    sweep(world.core)
    assert world.rows("SELECT caller, count FROM rate_limits") == [("user:2", 1)]
    assert rate_limits.count(world.core, "user:2", Kind.READ).count == 2


def test_how_long_to_wait_is_at_least_a_second(world: World) -> None:
    standing = rate_limits.count(world.core, "user:1", Kind.READ)
    assert standing.seconds_left(standing.since) == 60
    assert standing.seconds_left(standing.since + timedelta(seconds=59.99)) == 1
    assert standing.seconds_left(standing.since + timedelta(seconds=90)) == 1
