"""What goes wrong on the way to a Speakr, and what then comes over."""

from collections.abc import Iterator

import pytest

from shared.adapters.speakr_client import SpeakrClient
from shared.db.database import Database
from shared.domain.errors import Invalid, RateLimited, Unauthenticated, Unavailable
from shared.domain.imports import Outcome
from shared.services import imports
from tests.support.moving import Moving
from tests.support.speakr_server import SpeakrServer, Store, cut_short, failing
from tests.support.world import World


@pytest.fixture
def speakr() -> Iterator[SpeakrServer]:
    with SpeakrServer() as running:
        yield running


@pytest.fixture
def moving(database: Database, speakr: SpeakrServer) -> Moving:
    return Moving(World(database), speakr)


def test_a_bad_token_is_said_and_its_redirect_not_followed(moving: Moving) -> None:
    client = moving.client("wrong")
    with pytest.raises(Unauthenticated, match="token"):
        imports.look(client)
    client.close()
    assert [call for call in moving.speakr.calls if "login" in call] == []


def test_too_many_calls_are_waited_out(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.speakr.busy = 3
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]
    assert moving.slept == [10.0, 20.0, 40.0]


def test_a_server_that_says_how_long_to_wait_is_believed(moving: Moving) -> None:
    moving.speakr.first["/tags"] = [(429, {"Retry-After": "7"}, b"{}")]
    moving.run()
    assert moving.slept == [7.0]


def test_a_server_that_has_moved_is_not_followed_with_the_token(moving: Moving) -> None:
    moving.speakr.first["/recordings"] = [(301, {"Location": "https://new.example.com/api/v1/recordings"}, b"")]
    with pytest.raises(Invalid, match="https://new"):
        moving.run()


def test_a_server_that_is_no_speakr_is_told_from_one(moving: Moving) -> None:
    moving.speakr.first["/recordings"] = [(200, {"Content-Type": "application/json"}, b"[1]"), failing(200)]
    for _ in range(2):
        with pytest.raises(Invalid, match="Speakr"):
            moving.run()


def test_an_hour_of_too_many_calls_ends_the_run(moving: Moving) -> None:
    moving.speakr.busy = 1000
    with pytest.raises(RateLimited, match="later"):
        moving.run()
    assert 3600 < sum(moving.slept) <= 4200
    assert max(moving.slept) == 300


def test_a_call_that_fails_is_repeated_thrice_and_then_its_recording_left_out(moving: Moving) -> None:
    for number in (1, 2, 3):
        moving.speakr.add(number)
    moving.speakr.first["/recordings/1"] = [failing()] * 3
    moving.speakr.first["/recordings/2/transcript"] = [failing(502)] * 4
    expected = [("Talk 1", Outcome.BROUGHT), ("Talk 2", Outcome.LEFT), ("Talk 3", Outcome.BROUGHT)]
    assert moving.outcomes() == expected
    assert moving.slept == [1.0, 4.0, 15.0] * 2
    assert moving.outcomes()[1] == ("Talk 2", Outcome.BROUGHT)
    moving.check_whole()


def test_a_transcript_that_is_refused_is_not_taken_for_none(moving: Moving) -> None:
    moving.speakr.add(1)
    moving.speakr.first["/recordings/1/transcript"] = [failing(403)]
    assert moving.outcomes() == [("Talk 1", Outcome.LEFT)]
    assert moving.outcomes() == [("Talk 1", Outcome.BROUGHT)]
    assert len(moving.said()) == 2


def test_a_server_that_has_gone_is_not_asked_for_each_of_its_recordings(moving: Moving) -> None:
    for number in range(1, 9):
        moving.speakr.add(number)
        moving.speakr.first[f"/recordings/{number}"] = [failing(503)] * 4
    with pytest.raises(Unavailable, match="in a row"):
        moving.run()
    assert moving.speakr.calls.count("/api/v1/recordings/6") == 0


def test_audio_that_is_gone_over_there_is_not_waited_for(moving: Moving) -> None:
    moving.speakr.add(1)
    del moving.speakr.audio[1]
    moving.speakr.add(2, audio_available=False)
    notes = [step.note for step in moving.run()]
    assert notes == ["Its audio is gone over there."] * 2
    rows = moving.world.rows("SELECT audio_deleted_at, sha256, status FROM recordings")
    assert all(row.audio_deleted_at and row.sha256 is None and row.status == "completed" for row in rows)
    assert moving.world.store.objects == {}


def test_audio_in_a_store_elsewhere_is_had_without_showing_the_token_there(moving: Moving) -> None:
    with Store({"/1": b"from the store"}) as store:
        moving.speakr.store = store.url
        moving.speakr.add(1)
        moving.run()
    assert moving.world.store.objects[moving.only().audio_key] == b"from the store"
    assert store.shown == [None]


def test_audio_whose_line_breaks_is_had_again_from_its_beginning(moving: Moving) -> None:
    moving.speakr.add(1, b"whole")
    moving.speakr.first["/recordings/1/audio"] = [cut_short(b"wh", 5)] * 2
    moving.run()
    assert moving.world.store.objects[moving.only().audio_key] == b"whole"
    moving.check_whole()


def test_half_of_an_audio_is_none(moving: Moving) -> None:
    moving.speakr.add(1, b"whole")
    moving.speakr.first["/recordings/1/audio"] = [cut_short(b"wh", 5)] * 3
    (step,) = moving.run()
    assert (step.outcome, "broke off" in step.note) == (Outcome.LEFT, True)
    assert (moving.world.count("recordings"), moving.world.store.objects) == (0, {})


def test_all_pages_are_read_in_one_order(moving: Moving) -> None:
    for number in range(1, 251):
        moving.speakr.add(number)
    client = moving.client()
    assert sorted(each.id for each in client.recordings()) == list(range(1, 251))
    client.close()
    assert moving.speakr.calls == ["/api/v1/recordings"] * 3


def test_a_list_that_shifts_while_it_is_read_is_read_again(moving: Moving) -> None:
    for number in range(1, 151):
        moving.speakr.add(number)
    readings = iter([moving.speakr.recordings[:99] + moving.speakr.recordings[100:]] * 2)
    moving.speakr.pages = lambda found: next(readings, found)
    client = moving.client()
    assert len(client.recordings()) == 150
    client.close()


def test_a_page_that_comes_back_for_ever_ends(moving: Moving) -> None:
    for number in range(1, 101):
        moving.speakr.add(number)
    moving.speakr.pages = lambda found: found * 50
    client = moving.client()
    assert len(client.recordings()) == 100
    client.close()
    assert len(moving.speakr.calls) == 2


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "schlüssel"])
def test_what_no_header_can_hold_is_no_token(token: str) -> None:
    with pytest.raises(Invalid):
        SpeakrClient("http://host", token)
