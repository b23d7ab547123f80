"""Voices in the database: compared by pgvector where it is there, and by the same numbers where it is not."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from shared.db import speakers, voices
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.domain.speakers import VoiceProfile, similarity
from tests.support.talks import HIGH, HOARSE, LOW, between, talk
from tests.support.world import World

_HIDDEN = "a pgvector that the database user may not install"


@pytest.fixture(params=["vector", _HIDDEN])
def world(request: pytest.FixtureRequest, database: Database) -> Iterator[World]:
    """A database with pgvector, and one whose owner is not allowed to have it."""
    if request.param == "vector":
        yield World(database)
        return
    role = f"modest_{database.url.partition('?')[0].rpartition('/')[2]}"
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
        tx.execute(text(f"CREATE ROLE {role}"))
        tx.execute(text(f"GRANT ALL ON SCHEMA public TO {role}"))
    options = f"&options=-crole%3D{role}"
    modest = Database(database.url + options)
    migrate(modest)
    yield World(modest)
    modest.close()
    with database.begin() as tx:
        tx.execute(text(f"DROP OWNED BY {role} CASCADE"))
        tx.execute(text(f"DROP ROLE {role}"))


def kept_as(world: World) -> str:
    query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'embedding'"
    rows = world.rows(f"{query} AND attrelid = 'voice_profiles'::regclass")
    return rows[0][0]


def test_both_ways_of_keeping_voices_are_tested(world: World, request: pytest.FixtureRequest) -> None:
    hidden = _HIDDEN in request.node.name
    assert kept_as(world) == ("double precision[]" if hidden else "vector")


def person(world: World, name: str, voice: tuple[float, ...], kind: str = "test") -> int:
    with world.db.begin() as tx:
        speaker = speakers.add(tx, world.ann.user_id, name)
        assert speaker is not None
        voices.save_profiles(tx, {(speaker.id, kind): VoiceProfile(kind, voice, 3, (0.5, 0.25))})
    return speaker.id


def test_a_profile_comes_back_as_it_was_kept_and_can_be_renewed(world: World) -> None:
    ann = person(world, "Ann", (0.25, -0.5, 1e-20))
    key = (ann, "test")
    with world.db.begin() as tx:
        kept = voices.profiles(tx, [ann])
        assert kept == {key: VoiceProfile("test", pytest.approx((0.25, -0.5, 1e-20)), 3, (0.5, 0.25))}
        voices.save_profiles(tx, {key: VoiceProfile("test", (1.0, 0.0), 4, (1.0,))})
        assert voices.profiles(tx, [ann]) == {key: VoiceProfile("test", (1.0, 0.0), 4, (1.0,))}


def test_voices_are_as_alike_as_their_cosine_says(world: World) -> None:
    near = between(LOW, HIGH, 0.8)
    ann, bob = person(world, "Ann", near), person(world, "Bob", HOARSE)
    recording = talk(world, 0, 1, voices=(LOW, HOARSE))
    with world.db.begin() as tx:
        found = voices.suggestions(tx, recording.id, world.ann.user_id, -1.0)
    assert [each.speaker_id for each in found[0]] == [ann, bob]
    assert [each.similarity for each in found[0]] == pytest.approx([similarity(LOW, near), 0.0], abs=1e-6)
    assert [each.speaker_id for each in found[1]] == [bob, ann]
    assert found[1][0].similarity == pytest.approx(1)


def test_voices_of_another_kind_or_size_are_nobody(world: World) -> None:
    person(world, "Other engine", LOW, kind="other")
    person(world, "Other size", (1.0, 0.0))
    recording = talk(world, 0, voices=(LOW,))
    with world.db.begin() as tx:
        assert voices.suggestions(tx, recording.id, world.ann.user_id, 0.1) == {0: []}


def test_only_the_best_three_of_the_users_own_people_are_told(world: World) -> None:
    bob = world.user("bob")
    for number in range(5):
        person(world, f"Person {number}", between(LOW, HIGH, 0.99 - number / 100))
    mine, theirs = talk(world, 0, voices=(LOW,)), talk(world, 0, voices=(LOW,), caller=bob)
    with world.db.begin() as tx:
        found = voices.suggestions(tx, mine.id, world.ann.user_id, 0.7)[0]
        assert voices.suggestions(tx, theirs.id, bob.user_id, 0.7) == {0: []}
    assert [each.name for each in found] == ["Person 0", "Person 1", "Person 2"]


def test_what_no_vector_can_be_is_left_out_and_does_no_harm(world: World) -> None:
    nothing = (0.0, 0.0, 0.0)
    recording = talk(world, 0, 1, 2, voices=(LOW, nothing, (1e300, 1.0, 1.0)))
    with world.db.begin() as tx:
        found = voices.of_labels(tx, recording.id, [0, 1, 2])
    assert found.keys() == {0, 2}
    assert found[2] == ("test", (1.0, 0.0, 0.0))
