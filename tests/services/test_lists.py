"""Pages of recordings: each shows what it should, in two statements at most, from whichever end it is counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from shared.domain.accounts import Scope
from shared.domain.errors import Forbidden
from shared.domain.policy import Policy
from shared.domain.recordings import NO_FOLDER, SORT_KEYS, Listing, RecordingStatus
from shared.services import recordings
from tests.support.shelf import counted, folder, label, shelve
from tests.support.world import World

START = datetime(2026, 3, 1, tzinfo=UTC)


def ids(world: World, **wanted: object) -> list[int]:
    listing = Listing(world.ann.user_id, **{"page": 1, "per_page": 100, **wanted})
    found, total = recordings.page(world.core, world.ann, listing)
    assert total == len(found)
    return [recording.id for recording in found]


@pytest.fixture
def shelf(world: World) -> list[int]:
    """Eleven recordings, of which several are equal in each key and two have no date."""
    made = []
    for number in range(11):
        made.append(
            shelve(
                world,
                title=f"Talk {number % 4}",
                file_size=number % 3,
                meeting_date=START + timedelta(days=number % 5) if number % 5 else None,
                status=(RecordingStatus.COMPLETED, RecordingStatus.FAILED)[number % 2],
                created_at=START + timedelta(hours=number // 2),
            )
        )
    shelve(world, world.user("bob"))
    return made


@pytest.mark.parametrize("key", SORT_KEYS)
def test_pages_put_together_are_the_whole_list(world: World, shelf: list[int], key: str) -> None:
    for ascending, per_page in product((True, False), (1, 2, 4, 11, 50)):
        whole = ids(world, sort_by=key, ascending=ascending)
        assert sorted(whole) == shelf
        assert whole == ids(world, sort_by=key, ascending=not ascending)[::-1]
        together = []
        for page in range(1, 13):
            listing = Listing(world.ann.user_id, page, per_page, sort_by=key, ascending=ascending)
            found, total = recordings.page(world.core, world.ann, listing)
            assert total == 11
            together += [recording.id for recording in found]
        assert together == whole


@pytest.mark.usefixtures("shelf")
def test_what_has_no_date_is_the_last_of_the_newest_first(world: World) -> None:
    found, _ = recordings.page(world.core, world.ann, Listing(world.ann.user_id, 1, 50, sort_by="meeting_date"))
    dates = [recording.meeting_date for recording in found]
    assert dates[-3:] == [None] * 3
    assert dates[0] == START + timedelta(days=4)


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("wanted", [{}, {"statuses": [RecordingStatus.FAILED]}, {"query": "Talk"}, {"starred": False}])
def test_a_page_is_two_statements_with_tags_folders_and_names(world: World, wanted: dict[str, object]) -> None:
    for page in (1, 3, 6):
        with counted(world.db) as statements:
            found, _ = recordings.page(world.core, world.ann, Listing(world.ann.user_id, page, 1, **wanted))
        assert len(statements) <= 2
        assert len(found) == 1 or page == 6


def test_the_total_follows_every_change(world: World, shelf: list[int]) -> None:
    assert len(ids(world)) == 11
    recordings.delete(world.core, world.ann, shelf[0])
    new = world.upload()
    assert len(ids(world)) == 11
    assert ids(world, statuses=[RecordingStatus.PENDING]) == [new.id]
    assert len(ids(world, statuses=[RecordingStatus.COMPLETED, RecordingStatus.FAILED])) == 10


def test_a_tag_filters_also_with_others(world: World) -> None:
    first, second, third = (shelve(world, title=f"Talk {number}") for number in range(3))
    work = label(world, "Work", first, third)
    label(world, "Home", first, second)
    assert ids(world, tag_id=work, ascending=True) == [first, third]
    assert ids(world, tag_id=work, query="Talk 2") == [third]
    assert ids(world, tag_id=-1) == []


def test_a_tag_of_others_shows_only_ones_own(world: World) -> None:
    bob = world.user("bob")
    mine, theirs = shelve(world), shelve(world, bob)
    tag_id = label(world, "Shared", mine, theirs, caller=bob)
    assert ids(world, tag_id=tag_id) == [mine]


def test_folders_filter_where_there_are_folders(world: World) -> None:
    calls = folder(world, "Calls")
    inside, outside = shelve(world, folder_id=calls), shelve(world)
    assert ids(world, folder_id=calls, ascending=True) == [inside, outside]
    world.core = replace(world.core, policy=Policy(folders=True))
    assert ids(world, folder_id=calls) == [inside]
    assert ids(world, folder_id=NO_FOLDER) == [outside]
    assert ids(world, folder_id=-1) == []


def test_a_search_knows_titles_and_the_names_that_are_shown(world: World) -> None:
    by_title = shelve(world, title="Anna's plans")
    by_name = shelve(world, names=("Bob", "ANNA"))
    hidden = shelve(world, names=("Joanna",))
    with world.db.begin() as tx:
        tx.exec_driver_sql(f"UPDATE participants SET listed = false WHERE recording_id = {hidden}")
    assert ids(world, query="anna", ascending=True) == [by_title, by_name]


def test_items_carry_their_tags_folder_and_names(world: World) -> None:
    calls = folder(world, "Calls")
    recording_id = shelve(world, folder_id=calls, names=("Ann", "Bob", "Ann"))
    label(world, "Zoo", recording_id)
    label(world, "Art", recording_id)
    found = recordings.page(world.core, world.ann, Listing(world.ann.user_id, 1, 5))[0][0]
    assert [tag.name for tag in found.tags] == ["Zoo", "Art"]
    assert found.folder is not None
    assert found.folder.name == "Calls"
    assert found.participants == ("Ann", "Bob")


def test_a_token_without_read_lists_nothing(world: World) -> None:
    caller = replace(world.ann, scopes=frozenset({Scope.UPLOAD}))
    with pytest.raises(Forbidden, match="read"):
        recordings.page(world.core, caller, Listing(caller.user_id, 1, 5))


def test_totals_and_pages_never_read_texts(world: World) -> None:
    shelve(world, summary="A summary", notes="A note")
    with counted(world.db) as statements:
        found, _ = recordings.page(world.core, world.ann, Listing(world.ann.user_id, 1, 5))
    assert found[0].has_summary
    said = " ".join(statement for statement, _ in statements)
    assert "recordings.notes" not in said
    assert "recordings.summary IS NOT NULL" in said
    assert "recordings.summary," not in said


def test_every_order_is_that_of_an_index(world: World) -> None:
    shelve(world)
    with counted(world.db) as statements:
        for key, ascending in product(SORT_KEYS, (True, False)):
            recordings.page(world.core, world.ann, Listing(world.ann.user_id, 1, 5, sort_by=key, ascending=ascending))
    for statement, values in statements[1::2]:
        page_of_ids = statement.split("FROM recordings JOIN (")[1].split(") AS anon")[0]
        plan = explained(world, page_of_ids, values)
        assert "Index Only Scan" in plan
        assert "Sort" not in plan


def explained(world: World, statement: str, values: dict[str, object]) -> str:
    """The plan where sorting is to be avoided, though there is nothing to sort yet."""
    with world.db.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
