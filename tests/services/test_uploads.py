"""Uploads that go straight to the store: in one piece or in parts, resumed, finished by anybody, in any order."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict, Forbidden, HansardError, Invalid, NotFound, TooLarge, Unavailable
from shared.domain.tasks import TranscribeOptions
from shared.domain.uploads import PART_BYTES, UploadStatus
from shared.services import ingest, recordings, uploads
from shared.services.ingest import NewRecording
from shared.services.uploads import Progress
from tests.support.world import World

SMALL, LARGE = 5, 2 * PART_BYTES + 7
WANTED = NewRecording("A talk", options=TranscribeOptions(language="en"))


def begin(world: World, size: int = SMALL, recording: NewRecording | None = WANTED, **other: str) -> Progress:
    said = {"filename": "talk.wav", "content_type": "audio/wav", **other}
    return uploads.begin(world.core, world.ann, size=size, sha256=None, recording=recording, **said)


def send(world: World, begun: Progress, *numbers: int) -> None:
    """PUTs the parts of these numbers, or all."""
    for address in begun.addresses:
        if address.url is not None and (not numbers or address.part.number in numbers):
            kind = begun.upload.content_type if begun.upload.reference is None else ""
            assert world.store.put(address.url, b"x" * address.part.size, kind)


def look(world: World, begun: Progress) -> Progress:
    return uploads.progress(world.core, world.ann, begun.upload.id)


def missing(world: World, begun: Progress) -> list[int]:
    return [address.part.number for address in look(world, begun).addresses if not address.received]


def only_recording(world: World) -> int:
    rows = world.rows("SELECT id FROM recordings")
    assert len(rows) == 1
    assert (world.count("jobs"), len(world.store.objects)) == (1, 1)
    return rows[0].id


def test_a_small_file_goes_up_in_one_piece_and_the_store_says_so(world: World) -> None:
    begun = begin(world)
    assert [address.part.number for address in begun.addresses] == [1]
    send(world, begun)
    uploads.arrived(world.core, begun.upload.key)
    done = look(world, begun)
    assert (done.upload.status, done.recording and done.recording.title) == (UploadStatus.USED, "A talk")
    assert done.recording is not None and done.recording.uuid == begun.upload.id
    assert done.recording.language == "en"


def test_a_large_file_goes_up_in_parts_and_is_resumed(world: World) -> None:
    begun = begin(world, LARGE)
    assert [(a.offset, a.part.size) for a in begun.addresses] == [
        (0, PART_BYTES),
        (PART_BYTES, PART_BYTES),
        (2 * PART_BYTES, 7),
    ]
    send(world, begun, 3, 1)
    with pytest.raises(Conflict, match="2 of 3 parts"):
        uploads.complete(world.core, world.ann, begun.upload.id)
    assert missing(world, begun) == [2]
    resumed = look(world, begun)
    assert [address.url is not None for address in resumed.addresses] == [False, True, False]
    send(world, resumed)
    done = uploads.complete(world.core, world.ann, begun.upload.id)
    assert done.recording is not None and done.recording.file_size == LARGE
    assert world.store.objects[begun.upload.key] == b"x" * LARGE
    assert world.store.uploads == {}


def test_without_a_recording_the_client_makes_it_itself(world: World) -> None:
    begun = begin(world, recording=None)
    send(world, begun)
    uploads.arrived(world.core, begun.upload.key)
    assert (look(world, begun).upload.status, world.count("recordings")) == (UploadStatus.COMPLETE, 0)
    recording, _ = uploads.use(world.core, world.ann, begun.upload.id, NewRecording("Mine"))
    assert (recording.title, recording.audio_key) == ("Mine", begun.upload.key)


def test_a_recording_can_be_made_before_anybody_has_said_that_all_is_there(world: World) -> None:
    begun = begin(world, LARGE, recording=None)
    send(world, begun)
    recording, _ = uploads.use(world.core, world.ann, begun.upload.id, NewRecording())
    assert recording.id == only_recording(world)


def test_a_recording_of_half_a_file_is_refused_and_the_half_stays(world: World) -> None:
    begun = begin(world, LARGE, recording=None)
    send(world, begun, 1)
    with pytest.raises(Conflict, match="1 of 3 parts"):
        uploads.use(world.core, world.ann, begun.upload.id, NewRecording())
    with pytest.raises(Invalid, match="title"):
        uploads.use(world.core, world.ann, begun.upload.id, NewRecording("x" * 201))
    assert missing(world, begun) == [2, 3]


STEPS: list[Callable[[World, Progress], object]] = [
    lambda world, begun: uploads.arrived(world.core, begun.upload.key),
    lambda world, begun: uploads.complete(world.core, world.ann, begun.upload.id),
    lambda world, begun: uploads.use(world.core, world.ann, begun.upload.id, NewRecording("Other")),
    lambda world, begun: (world.clock.pass_by(301), uploads.sweep(world.core)),
]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("first", range(len(STEPS)))
@pytest.mark.parametrize("second", range(len(STEPS)))
def test_in_whatever_order_it_is_said_there_is_one_recording(world: World, size: int, first: int, second: int) -> None:
    begun = begin(world, size)
    send(world, begun)
    for step in (STEPS[first], STEPS[second], STEPS[first]):
        step(world, begun)
    assert only_recording(world)


def test_said_by_many_at_once_there_is_one_recording(world: World) -> None:
    begun = begin(world, LARGE)
    send(world, begun)
    errors: list[HansardError] = []

    def say(step: Callable[[World, Progress], object]) -> None:
        try:
            step(world, begun)
        except HansardError as error:
            errors.append(error)

    threads = [threading.Thread(target=say, args=(step,)) for step in STEPS[:3] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert only_recording(world)


def test_an_object_that_nobody_knows_is_an_error_so_that_the_event_comes_again(world: World) -> None:
    with pytest.raises(NotFound):
        uploads.arrived(world.core, "uploads/00000000-0000-0000-0000-000000000000")


def test_an_object_that_arrives_after_its_upload_was_dropped_goes_away(world: World) -> None:
    begun = begin(world)
    uploads.abort(world.core, world.ann, begun.upload.id)
    send(world, begun)
    uploads.arrived(world.core, begun.upload.key)
    assert world.store.objects == {}
    with pytest.raises(Conflict, match="Aborted"):
        uploads.use(world.core, world.ann, begun.upload.id, NewRecording())


def test_an_upload_that_is_dropped_leaves_nothing(world: World) -> None:
    begun = begin(world, LARGE)
    send(world, begun, 1)
    uploads.abort(world.core, world.ann, begun.upload.id)
    uploads.abort(world.core, world.ann, begun.upload.id)
    assert (world.store.uploads, world.store.objects) == ({}, {})
    assert look(world, begun).upload.error_message == "Aborted."


def test_what_became_a_recording_cannot_be_dropped(world: World) -> None:
    begun = begin(world)
    send(world, begun)
    uploads.complete(world.core, world.ann, begun.upload.id)
    with pytest.raises(Conflict):
        uploads.abort(world.core, world.ann, begun.upload.id)
    assert only_recording(world)


def test_an_upload_that_nobody_finishes_is_given_up_after_a_day_and_forgotten_after_a_week(world: World) -> None:
    begun = begin(world, LARGE)
    send(world, begun, 1)
    world.clock.pass_by(timedelta(hours=23).total_seconds())
    uploads.sweep(world.core)
    assert missing(world, begun) == [2, 3]
    world.clock.pass_by(timedelta(hours=2).total_seconds())
    uploads.sweep(world.core)
    assert (world.store.uploads, look(world, begun).upload.status) == ({}, UploadStatus.ABORTED)
    world.clock.pass_by(timedelta(days=8).total_seconds())
    uploads.sweep(world.core)
    assert (world.count("uploads"), world.count("object_deletions")) == (0, 0)


def test_a_message_that_got_lost_is_made_good_by_the_sweep(world: World) -> None:
    begun = begin(world)
    send(world, begun)
    uploads.sweep(world.core)
    assert world.count("recordings") == 0
    world.clock.pass_by(301)
    uploads.sweep(world.core)
    assert only_recording(world)


def test_two_sweeps_at_once_do_no_harm(world: World) -> None:
    for _ in range(5):
        send(world, begin(world))
    world.clock.pass_by(301)
    threads = [threading.Thread(target=uploads.sweep, args=(world.core,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (world.count("recordings"), world.count("jobs"), len(world.store.objects)) == (5, 5, 5)


def test_one_upload_whose_store_is_away_does_not_keep_the_others(world: World) -> None:
    class Flaky(type(world.store)):
        def size(self, key: str) -> int | None:
            if key == bad.upload.key:
                raise Unavailable("The store does not answer.")
            return super().size(key)

    flaky = Flaky()
    core = replace(world.core, objects=flaky)
    world.core, world.store = core, flaky
    bad, good = begin(world), begin(world)
    send(world, bad)
    send(world, good)
    world.clock.pass_by(301)
    uploads.sweep(world.core)
    assert look(world, good).upload.status is UploadStatus.USED
    with pytest.raises(Unavailable):
        look(world, bad)


@pytest.mark.parametrize(
    ("size", "said", "error"),
    [
        (0, {}, Invalid),
        (-1, {}, Invalid),
        (2 * 10**9, {}, TooLarge),
        (SMALL, {"content_type": "text/html", "filename": "a.html"}, Invalid),
        (SMALL, {"content_type": "application/pdf", "filename": "a.pdf"}, Invalid),
    ],
)
def test_what_is_no_recording_is_refused_before_it_is_sent(
    world: World, size: int, said: dict[str, str], error: type[HansardError]
) -> None:
    with pytest.raises(error):
        begin(world, size, **said)
    with pytest.raises(Invalid):
        begin(world, recording=NewRecording("x" * 201))
    assert (world.count("uploads"), world.store.uploads) == (0, {})


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("audio/wav; codecs=1", "a", "audio/wav"),
        ("", "a.mp3", "audio/mpeg"),
        ("application/ogg", "a.ogg", "audio/ogg"),
        ("application/octet-stream", "a.opus", "audio/ogg"),
        ("", "no-suffix", "application/octet-stream"),
    ],
)
def test_the_type_is_what_the_client_says_or_the_name_tells(world: World, kind: str, name: str, kept: str) -> None:
    assert begin(world, content_type=kind, filename=name).upload.content_type == kept


def test_a_stranger_has_no_part_in_an_upload(world: World) -> None:
    begun, bob = begin(world), world.user("bob")
    for use in (uploads.progress, uploads.complete, uploads.abort):
        with pytest.raises(Forbidden):
            use(world.core, bob, begun.upload.id)
    with pytest.raises(Forbidden):
        uploads.use(world.core, bob, begun.upload.id, NewRecording())


def test_bytes_that_are_no_recording_end_the_upload_with_the_reason(world: World) -> None:
    def no_audio(_: str) -> None:
        raise Invalid("This is not audio.")

    core = replace(world.core, probe=no_audio)
    begun = begin(world)
    send(world, begun)
    uploads.arrived(core, begun.upload.key)
    ended = look(world, begun)
    assert (ended.upload.status, ended.upload.error_message) == (UploadStatus.ABORTED, "This is not audio.")
    assert (world.store.objects, world.count("recordings")) == ({}, 0)


def test_many_parts_are_addressed_a_hundred_at_a_time(world: World) -> None:
    world.core = replace(world.core, limits=replace(world.limits, upload_bytes=10**12))
    begun = begin(world, 150 * PART_BYTES)
    assert sum(address.url is not None for address in begun.addresses) == 100
    send(world, begun, 1, 2)
    assert [address.part.number for address in look(world, begun).addresses if address.url] == list(range(3, 103))
    huge = begin(world, 400 * 10**9)
    assert len(huge.addresses) <= 10_000


def test_the_audio_of_a_deleted_recording_goes_also_when_the_store_is_away_for_a_while(world: World) -> None:
    class Away(type(world.store)):
        away = True

        def delete(self, key: str) -> None:
            if self.away:
                raise Unavailable("The store does not answer.")
            super().delete(key)

    store = Away()
    world.core, world.store = replace(world.core, objects=store), store
    recording = world.upload()
    recordings.delete(world.core, world.ann, recording.id)
    assert len(store.objects) == 1
    with pytest.raises(Unavailable):
        uploads.sweep(world.core)
    store.away = False
    uploads.sweep(world.core)
    assert (store.objects, world.count("object_deletions")) == ({}, 0)


def test_bytes_of_which_no_recording_came_go_after_a_day(world: World) -> None:
    """The process dies between storing the bytes and writing the row."""
    _, key = ingest.new_upload_place(world.core)
    world.store.objects[key] = b"lost"
    kept = world.upload()
    uploads.sweep(world.core)
    assert len(world.store.objects) == 2
    world.clock.pass_by(timedelta(days=1, minutes=1).total_seconds())
    uploads.sweep(world.core)
    assert list(world.store.objects) == [kept.audio_key]


def test_an_upload_whose_recording_was_deleted_makes_no_other(world: World) -> None:
    begun = begin(world)
    send(world, begun)
    done = uploads.complete(world.core, world.ann, begun.upload.id)
    assert done.recording is not None
    recordings.delete(world.core, world.ann, done.recording.id)
    with pytest.raises(Conflict, match="deleted"):
        uploads.use(world.core, world.ann, begun.upload.id, NewRecording())
    uploads.arrived(world.core, begun.upload.key)
    assert (world.count("recordings"), world.store.objects) == (0, {})


def test_parts_that_were_joined_by_somebody_who_died_over_it_are_all_there(world: World) -> None:
    begun = begin(world, LARGE)
    send(world, begun)
    assert begun.upload.reference is not None
    world.store.finish_parts(begun.upload.key, begun.upload.reference)
    assert missing(world, begun) == []
    assert uploads.complete(world.core, world.ann, begun.upload.id).recording is not None
