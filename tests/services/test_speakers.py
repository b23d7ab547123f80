"""Names by voice, what assigning teaches a profile, and what happens when two do it at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.db import accounts, voices
from shared.domain.accounts import Scope
from shared.domain.errors import Forbidden, NotFound
from shared.domain.recordings import Recording
from shared.domain.speakers import Assigned, Choice, VoiceProfile
from shared.services import naming, speakers, transcripts
from tests.support.talks import HIGH, HOARSE, LOW, Voice, between, talk, talk_again
from tests.support.world import World


def assign(world: World, recording: Recording, **names: str) -> Assigned:
    return naming.assign(world.core, world.ann, recording.id, {label: Choice(name) for label, name in names.items()})


def auto(world: World, threshold: str = "medium") -> None:
    wishes = {"auto_speaker_labelling": True, "auto_speaker_labelling_threshold": threshold}
    with world.db.begin() as tx:
        accounts.choose(tx, world.ann.user_id, wishes)


def people(world: World) -> dict[str, int]:
    """How often each has been used."""
    return {each.name: each.use_count for each in speakers.page(world.core, world.ann)}


def names(world: World, recording: Recording) -> list[str | None]:
    return [each.name for each in speakers.of_recording(world.core, world.ann, recording.id).labels]


def know(world: World, **known: Voice) -> None:
    """People with voices, learnt from one recording."""
    recording = talk(world, *range(len(known)), voices=tuple(known.values()))
    assign(world, recording, **{f"SPEAKER_{at:02d}": name for at, name in enumerate(known)})


@pytest.mark.parametrize(("threshold", "named"), [("low", True), ("medium", True), ("high", False)])
def test_a_label_gets_the_name_of_a_voice_that_is_alike_enough(world: World, threshold: str, named: bool) -> None:
    know(world, Bob=LOW)
    auto(world, threshold)
    recording = talk(world, 0, voices=(between(LOW, HIGH, 0.7),))
    assert names(world, recording) == ["Bob" if named else None]
    assert world.recording(recording).participants == (("Bob",) if named else ())
    assert people(world) == {"Bob": 2 if named else 1}


def test_without_the_wish_nobody_is_named(world: World) -> None:
    know(world, Bob=LOW)
    recording = talk(world, 0, voices=(LOW,))
    assert names(world, recording) == [None]


def test_two_people_who_sound_alike_are_not_guessed_between(world: World) -> None:
    know(world, Bob=between(LOW, HIGH, 0.72), Eve=between(LOW, HOARSE, 0.69))
    auto(world)
    assert names(world, talk(world, 0, voices=(LOW,))) == [None]


def test_who_falls_just_short_still_makes_the_best_one_doubtful(world: World) -> None:
    know(world, Bob=between(LOW, HIGH, 0.61), Eve=between(LOW, HOARSE, 0.58))
    auto(world)
    assert names(world, talk(world, 0, voices=(LOW,))) == [None]


def test_a_name_given_by_itself_teaches_the_profile_nothing(world: World) -> None:
    know(world, Bob=LOW)
    auto(world)
    before = world.rows("SELECT embedding, samples FROM voice_profiles")
    talk(world, 0, voices=(between(LOW, HIGH, 0.9),))
    assert world.rows("SELECT embedding, samples FROM voice_profiles") == before


def test_a_voice_that_says_nothing_in_the_transcript_takes_no_part(world: World) -> None:
    know(world, Bob=LOW, Eve=HIGH)
    auto(world)
    recording = talk(world, 0, 0, voices=(LOW, HIGH))
    assert world.recording(recording).participants == ("Bob",)
    assert people(world) == {"Bob": 2, "Eve": 1}


def test_two_labels_of_one_voice_get_one_name_and_count_once(world: World) -> None:
    know(world, Bob=LOW)
    auto(world)
    recording = talk(world, 0, 1, voices=(LOW, LOW))
    assert names(world, recording) == ["Bob", "Bob"]
    assert world.recording(recording).participants == ("Bob",)
    assert people(world) == {"Bob": 2}


def test_a_new_transcript_has_new_labels_and_participants_stay_listed(world: World) -> None:
    recording = talk(world, 0, 1, voices=(LOW, HIGH))
    assign(world, recording, SPEAKER_00="Bob", SPEAKER_01="Eve")
    talk_again(world, recording, 0, 1, voices=(HIGH,))
    assert names(world, recording) == [None, None]
    assert world.recording(recording).participants == ("Bob", "Eve")
    found = speakers.of_recording(world.core, world.ann, recording.id).suggestions
    assert [each.name for each in found[0]] == ["Eve"], "the voices are those of the new transcript"
    assert 1 not in found


def test_a_new_transcript_whose_labels_are_named_lists_each_name_once(world: World) -> None:
    recording = talk(world, 0, voices=(LOW,))
    assign(world, recording, SPEAKER_00="Bob")
    auto(world)
    talk_again(world, recording, 0, voices=(LOW,))
    assert names(world, recording) == ["Bob"]
    assert world.rows("SELECT name, speaker FROM participants") == [("Bob", 0)]


def test_labels_nobody_listed_leave_nothing_behind(world: World) -> None:
    recording = talk(world, 0)
    assign(world, recording, SPEAKER_00="Bob")
    world.rows("UPDATE participants SET listed = false RETURNING id")
    talk_again(world, recording, 0)
    assert world.count("participants") == 0


def test_the_profile_moves_towards_what_it_hears(world: World) -> None:
    know(world, Bob=LOW)
    recording = talk(world, 0, voices=(HIGH,))
    assert assign(world, recording, SPEAKER_00="Bob").voices_learned == 1
    with world.db.begin() as tx:
        bob = speakers.page(world.core, world.ann)[0].id
        profile = voices.profiles(tx, [bob])[bob, "test"]
    length = (0.7**2 + 0.3**2) ** 0.5
    expected = pytest.approx((0.7 / length, 0.3 / length, 0.0), abs=1e-6)
    assert profile == VoiceProfile("test", expected, 2, pytest.approx((0.0,)))


def test_kinds_of_voices_are_learnt_apart(world: World) -> None:
    know(world, Bob=LOW)
    assign(world, talk(world, 0, voices=(HIGH,), kind="other"), SPEAKER_00="Bob")
    rows = world.rows("SELECT kind, samples FROM voice_profiles ORDER BY kind")
    assert rows == [("other", 1), ("test", 1)]
    found = speakers.of_recording(world.core, world.ann, talk(world, 0, voices=(HIGH,)).id)
    assert found.suggestions == {}, "that voice is known to the other engine only"


def test_an_edit_of_names_is_told_once_per_recording(world: World) -> None:
    recording = talk(world, 0)
    world.live.changes.clear()
    assign(world, recording, SPEAKER_00="Bob")
    assert world.kinds(recording)[-1] == "recording.updated"
    assert world.live.changes == [recording.id]
    assign(world, recording, SPEAKER_07="Eve")
    assert world.kinds(recording).count("recording.updated") == 1, "nothing was changed"


def test_a_rename_reaches_every_own_recording_by_id_and_by_name(world: World) -> None:
    bob = world.user("bob")
    named, listed, other, foreign = talk(world, 0, 1), world.upload(), talk(world, 0), world.upload(bob)
    assign(world, named, SPEAKER_00="Eve", SPEAKER_01="Dan")
    for recording in (listed, foreign):
        world.rows("INSERT INTO participants (recording_id, name) VALUES (:id, 'Eve') RETURNING id", id=recording.id)
    eve = next(each for each in speakers.page(world.core, world.ann) if each.name == "Eve")
    assert speakers.rename(world.core, world.ann, eve.id, " Eva ").name == "Eva"
    assert world.recording(named).participants == ("Dan", "Eva")
    assert world.recording(listed).participants == ("Eva",)
    assert transcripts.get(world.core, world.ann, named.id).names(0) == "Eva"
    assert world.kinds(named).count("recording.updated") == 2
    assert world.kinds(listed)[-1] == "recording.updated"
    assert "recording.updated" not in world.kinds(other) + world.kinds(foreign)
    rows = world.rows("SELECT name FROM participants WHERE recording_id = :id", id=foreign.id)
    assert rows == [("Eve",)]


def test_a_rename_to_the_same_name_changes_nothing(world: World) -> None:
    recording = talk(world, 0)
    assign(world, recording, SPEAKER_00="Eve")
    eve = speakers.page(world.core, world.ann)[0]
    assert speakers.rename(world.core, world.ann, eve.id, "Eve").name == "Eve"
    assert world.kinds(recording).count("recording.updated") == 1


def at_once(*calls: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [running.result(60) for running in [pool.submit(call) for call in calls]]


def test_the_same_new_names_at_once_make_each_person_once(world: World) -> None:
    recordings = [talk(world, 0, 1, voices=(LOW, HIGH)) for _ in range(6)]
    orders = [("Ann", "Bob"), ("Bob", "Ann")] * 3

    def naming_both(recording: Recording, first: str, second: str) -> Callable[[], object]:
        return lambda: assign(world, recording, SPEAKER_00=first, SPEAKER_01=second)

    at_once(*(naming_both(recording, *order) for recording, order in zip(recordings, orders, strict=True)))
    assert people(world) == {"Ann": 6, "Bob": 6}
    assert world.rows("SELECT samples FROM voice_profiles") == [(6,), (6,)]


def test_assigning_renaming_and_deleting_at_once_ends(world: World) -> None:
    recordings = [talk(world, 0, 1) for _ in range(4)]
    for recording in recordings:
        assign(world, recording, SPEAKER_00="Eve", SPEAKER_01="Dan")
    eve, dan = sorted(speakers.page(world.core, world.ann), key=lambda each: each.name, reverse=True)

    def assign_again(recording: Recording) -> Callable[[], object]:
        return lambda: [assign(world, recording, SPEAKER_00="Dan", SPEAKER_01="Eve") for _ in range(5)]

    def rename() -> None:
        for name in ("Eva", "Evi", "Eva", "Evi"):
            speakers.rename(world.core, world.ann, eve.id, name)

    at_once(*map(assign_again, recordings), rename, lambda: speakers.delete(world.core, world.ann, dan.id))
    linked = "SELECT count(*) FROM participants p JOIN speakers s ON s.id = p.speaker_id WHERE s.name <> p.name"
    assert world.rows(linked)[0][0] == 0
    with pytest.raises(NotFound):
        speakers.rename(world.core, world.ann, dan.id, "Anybody")


@pytest.mark.parametrize("scope", list(Scope))
def test_tokens_do_only_what_they_are_good_for(world: World, scope: Scope) -> None:
    recording = talk(world, 0)
    weak = replace(world.ann, scopes=frozenset({scope}))
    eve = speakers.create(world.core, world.ann, "Eve").id
    needed: dict[Callable[[], object], Scope] = {
        lambda: speakers.page(world.core, weak): Scope.READ,
        lambda: speakers.of_recording(world.core, weak, recording.id): Scope.READ,
        lambda: speakers.suggestions(world.core, weak, recording.id): Scope.READ,
        lambda: speakers.create(world.core, weak, "Bob"): Scope.WRITE,
        lambda: naming.assign(world.core, weak, recording.id, {}): Scope.WRITE,
        lambda: speakers.rename(world.core, weak, eve, "Eva"): Scope.WRITE,
        lambda: speakers.delete(world.core, weak, eve): Scope.DELETE,
    }
    for call, wanted in needed.items():
        if scope is wanted:
            call()
        else:
            with pytest.raises(Forbidden):
                call()
    with pytest.raises(Forbidden):
        naming.assign(world.core, weak, recording.id, {}, regenerate_summary=True)
