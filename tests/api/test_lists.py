"""Lists: pages, order, filters, and searches whose signs mean themselves."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.db.database import Database
from shared.domain.policy import Policy
from tests.support import media
from tests.support.door import Door
from tests.support.server import Server
from tests.support.shelf import folder, label, shelve
from tests.support.world import World

#: title, file seconds, meeting date. Two pairs are equal in one key, so that ties show.
SHELF = [
    ("Shelf alpha 100% sure", 0.2, "2026-01-01T00:00:00Z"),
    ("Shelf beta", 0.4, "2026-01-03T00:00:00Z"),
    ("Shelf Gamma_1", 0.4, "2026-01-03T00:00:00Z"),
    ("Shelf GammaX1", 0.1, "2026-01-02T00:00:00Z"),
    ("Shelf 1000 \\ back", 0.3, "2026-01-05T00:00:00Z"),
]


@pytest.fixture(scope="module")
def shelf(waiting_server: Server, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Recordings of which the tests here speak; all searches begin with "Shelf"."""
    folder: Path = tmp_path_factory.mktemp("shelf")
    uploaded = []
    for number, (title, seconds, date) in enumerate(SHELF):
        path = media.wav(folder / f"{number}.wav", media.speech(seconds))
        uploaded.append(waiting_server.upload(path, title=title, meeting_date=date))
    return uploaded


def listed(server: Server, **query: object) -> dict[str, Any]:
    with server.client() as client:
        response = client.get("/api/v1/recordings", params={"q": "shelf", **query})
    assert response.status_code == 200, response.text
    return response.json()


def titles(server: Server, **query: object) -> list[str]:
    return [item["title"].removeprefix("Shelf ").split()[0] for item in listed(server, **query)["recordings"]]


@pytest.mark.usefixtures("shelf")
def test_newest_come_first_unless_asked_otherwise(waiting_server: Server) -> None:
    assert titles(waiting_server) == ["1000", "GammaX1", "Gamma_1", "beta", "alpha"]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("sort_by", "ascending"),
    [
        ("meeting_date", ["alpha", "GammaX1", "beta", "Gamma_1", "1000"]),
        ("file_size", ["GammaX1", "alpha", "1000", "beta", "Gamma_1"]),
        ("created_at", ["alpha", "beta", "Gamma_1", "GammaX1", "1000"]),
        ("nonsense", ["alpha", "beta", "Gamma_1", "GammaX1", "1000"]),
        ("status", ["alpha", "beta", "Gamma_1", "GammaX1", "1000"]),
    ],
)
def test_ties_are_broken_by_id_in_both_directions(waiting_server: Server, sort_by: str, ascending: list[str]) -> None:
    assert titles(waiting_server, sort_by=sort_by, sort_order="ASC") == ascending
    assert titles(waiting_server, sort_by=sort_by, sort_order="whatever") == ascending[::-1]


@pytest.mark.usefixtures("shelf")
def test_titles_sort_in_both_directions(waiting_server: Server) -> None:
    up = titles(waiting_server, sort_by="title", sort_order="asc")
    assert titles(waiting_server, sort_by="title", sort_order="desc") == up[::-1]
    assert up.index("alpha") < up.index("beta")


@pytest.mark.usefixtures("shelf")
def test_pages_hold_everything_once(waiting_server: Server) -> None:
    pages = [listed(waiting_server, sort_by="status", per_page=2, page=page) for page in (1, 2, 3, 4)]
    seen = [item["id"] for page in pages for item in page["recordings"]]
    assert len(seen) == len(set(seen)) == 5
    numbers = [(page["pagination"]["has_prev"], page["pagination"]["has_next"]) for page in pages]
    assert numbers == [(False, True), (True, True), (True, False), (True, False)]
    first = pages[0]["pagination"]
    assert (first["page"], first["per_page"], first["total"], first["total_pages"]) == (1, 2, 5, 3)


@pytest.mark.usefixtures("shelf")
def test_a_list_of_nothing_has_no_pages(waiting_server: Server) -> None:
    answer = listed(waiting_server, q="no such title anywhere")
    assert answer["recordings"] == []
    assert (answer["pagination"]["total"], answer["pagination"]["total_pages"]) == (0, 0)


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("0", 1),
        ("-5", 1),
        ("100", 100),
        ("101", 100),
        ("99999999999999999999", 100),
        ("many", 25),
        ("", 25),
        ("2.5", 25),
    ],
)
def test_per_page_is_kept_within_bounds(waiting_server: Server, asked: str, given: int) -> None:
    assert listed(waiting_server, per_page=asked)["pagination"]["per_page"] == given


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("asked", "given"), [("0", 1), ("-1", 1), ("x", 1), ("", 1), ("9" * 30, 10**15), ("9" * 5000, 1), ("\x00", 1)]
)
def test_a_page_that_is_none_is_the_first(waiting_server: Server, asked: str, given: int) -> None:
    answer = listed(waiting_server, page=asked)
    assert answer["pagination"]["page"] == given
    assert len(answer["recordings"]) == (5 if given == 1 else 0)


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("100%", ["alpha"]),
        ("gamma_1", ["Gamma_1"]),
        ("GAMMA", ["GammaX1", "Gamma_1"]),
        ("\\ back", ["1000"]),
        ("Shelf%", []),
        ("shelf_", []),
        ("' OR 1=1 --", []),
        ("  Shelf beta ", ["beta"]),
        ("she\x00lf", ["1000", "GammaX1", "Gamma_1", "beta", "alpha"]),
    ],
)
def test_a_search_takes_every_sign_as_itself(waiting_server: Server, words: str, found: list[str]) -> None:
    assert titles(waiting_server, q=words) == found


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("status", "count"),
    [("all", 5), ("pending", 5), ("PENDING", 5), ("completed", 0), ("processing", 0), ("nonsense", 5), ("", 5)],
)
def test_a_status_filter(waiting_server: Server, status: str, count: int) -> None:
    assert listed(waiting_server, status=status)["pagination"]["total"] == count


def test_dates_filter_by_the_moment_of_upload(waiting_server: Server, shelf: list[dict[str, Any]]) -> None:
    third = shelf[2]["created_at"]
    assert titles(waiting_server, date_from=third) == ["1000", "GammaX1", "Gamma_1"]
    assert titles(waiting_server, date_to=third) == ["Gamma_1", "beta", "alpha"]
    assert titles(waiting_server, date_from=third, date_to=third) == ["Gamma_1"]
    assert titles(waiting_server, date_from="2999-01-01") == []
    assert len(titles(waiting_server, date_from="2020-01-01", date_to="2999-01-01T00:00:00+02:00")) == 5


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("date", ["yesterday", "", "2026-13-01", "\x00", "0001-01-01T00:00:00+14:00", "99999-01-01"])
def test_a_date_that_is_none_filters_nothing(waiting_server: Server, date: str) -> None:
    assert len(titles(waiting_server, date_from=date, date_to=date)) == 5


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("query", "count"),
    [({"inbox": "true"}, 5), ({"inbox": "1"}, 0), ({"inbox": ""}, 0), ({"starred": "true"}, 0), ({"starred": "no"}, 5)],
)
def test_flags_know_only_the_word_true(waiting_server: Server, query: dict[str, str], count: int) -> None:
    assert listed(waiting_server, **query)["pagination"]["total"] == count


@pytest.mark.usefixtures("shelf")
def test_unknown_and_repeated_parameters_do_no_harm(waiting_server: Server) -> None:
    with waiting_server.client() as client:
        response = client.get("/api/v1/recordings?q=shelf&colour=red&page=1&page=2&page[]=3&&=x")
    assert response.status_code == 200


@pytest.fixture
def door(database: Database) -> Door:
    return Door(World(database))


def test_lists_take_their_filters_from_the_query(door: Door) -> None:
    world = door.world
    world.core = door.client.app.state.core = replace(world.core, policy=Policy(folders=True))
    calls = folder(world, "Calls")
    inside = shelve(world, title="Inside", folder_id=calls, created_at=datetime(2026, 3, 1, 23, 59, 59, 999, UTC))
    outside = shelve(world, title="Outside", created_at=datetime(2026, 3, 2, tzinfo=UTC))
    tag_id = label(world, "Work", outside)
    for query, ids in {
        f"tag_id={tag_id}": [outside],
        f"folder_id={calls}": [inside],
        "folder_id=none": [outside],
        "folder_id=NONE": [outside],
        "folder_id=": [outside, inside],
        "folder_id=some": [outside, inside],
        "tag_id=x": [outside, inside],
        "tag_id=0": [],
        f"tag_id={10**40}": [],
        "folder_id=0": [],
        "folder_id=-5": [],
        "date_to=2026-03-01": [inside],
        "date_to=2026-03-01T00:00:00": [],
        "date_from=2026-03-02": [outside],
        "date_from=2026-03-01&date_to=2026-03-02": [outside, inside],
        "date_to=9998-12-31": [outside, inside],
        "q=side%00&q=%ED%A0%80": [],
        "q=%00": [outside, inside],
    }.items():
        response = door.get(f"/api/v1/recordings?{query}", world.ann)
        assert response.status_code == 200, query
        assert [item["id"] for item in response.json()["recordings"]] == ids, query


def test_an_item_of_a_list_has_the_keys_of_the_contract(door: Door) -> None:
    shelve(door.world)
    item = door.get("/api/v1/recordings", door.world.ann).json()["recordings"][0]
    contract = (
        "id title status created_at completed_at meeting_date file_size original_filename participants is_inbox"
        " is_highlighted audio_available audio_duration has_transcription has_summary processing_time_seconds"
        " transcription_duration_seconds summarization_duration_seconds folder_id folder deletion_exempt error_message"
        " keep_audio_only tags"
    )
    assert set(item) == {*contract.split(), "uuid", "model_used", "language", "warnings"}
