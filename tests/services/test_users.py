"""Users and groups, as the operator looks after them."""

from typing import Any

import pytest

from shared.db.tables import folders, recording_tags, recordings, tags
from shared.domain.accounts import Caller, Role
from shared.domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from shared.domain.events import RECORDING_UPDATED
from shared.services import accounts, attempts, groups, uploads, users
from shared.services.ingest import NewRecording
from tests.support.world import World


def known(world: World, name: str) -> Any:
    return {each.username: each for each in users.listed(world.db)}.get(name)


def begun_upload(world: World, size: int) -> uploads.Progress:
    return uploads.begin(
        world.core, world.ann, filename="a.wav", content_type="audio/wav", size=size, sha256=None, recording=None
    )


def sorted_by(world: World, caller: Caller, group_id: int, recording_id: int) -> tuple[int, int]:
    """A tag and a folder of the group that `caller` has made, on a recording."""
    with world.db.begin() as tx:
        said = {"user_id": caller.user_id, "group_id": group_id, "name": "Team", "color": "#000000"}
        tag = tx.execute(tags.insert().values(**said).returning(tags.c.id)).scalar_one()
        folder = tx.execute(folders.insert().values(**said).returning(folders.c.id)).scalar_one()
        tx.execute(recording_tags.insert().values(recording_id=recording_id, tag_id=tag))
        tx.execute(recordings.update().where(recordings.c.id == recording_id).values(folder_id=folder))
    return tag, folder


def test_a_user_is_added_once(world: World) -> None:
    users.add(world.db, "bob", {"email": "bob@example.org", "monthly_token_budget": 5, "is_admin": True})
    bob = known(world, "bob")
    assert (bob.email, bob.monthly_token_budget, bob.is_admin, bob.is_active) == ("bob@example.org", 5, True, True)
    with pytest.raises(Conflict):
        users.add(world.db, "bob", {})
    assert [each.username for each in users.listed(world.db)] == ["ann", "bob"]


def test_what_is_said_is_changed_and_the_rest_stays(world: World) -> None:
    users.change(world.db, "ann", {"name": " Ann  A. ", "monthly_transcription_seconds": 600})
    users.change(world.db, "ann", {"email": "ann@example.org"})
    ann = known(world, "ann")
    assert (ann.name, ann.email, ann.monthly_transcription_seconds) == ("Ann A.", "ann@example.org", 600)
    users.change(world.db, "ann", {"email": "", "monthly_transcription_seconds": 0})
    ann = known(world, "ann")
    assert (ann.name, ann.email, ann.monthly_transcription_seconds) == ("Ann A.", None, None)


@pytest.mark.parametrize("email", ["x", "@", "a @b", "a@", "@b", "a@b" * 200, "a@\x00"])
def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    with pytest.raises(Invalid):
        users.change(world.db, "ann", {"email": email})


def test_nothing_to_change_and_nobody_to_change_are_told(world: World) -> None:
    with pytest.raises(Invalid):
        users.change(world.db, "ann", {})
    with pytest.raises(NotFound):
        users.change(world.db, "bob", {"is_admin": True})
    with pytest.raises(NotFound):
        users.remove(world.core, "bob")
    for name in ("", "a b", "x" * 151, "a/b"):
        with pytest.raises(Invalid):
            users.add(world.db, name, {})


def test_a_user_goes_with_all_recordings_and_objects(world: World) -> None:
    token = accounts.issue_token(world.db, "ann")
    bob = world.user("bob")
    kept = world.upload(bob)
    for _ in range(3):
        world.upload()
    _, running = world.launched()
    attempts.launch_due(world.core)
    single, parts = begun_upload(world, 5), begun_upload(world, 20_000_000)
    for address in (single.addresses[0], parts.addresses[0]):
        assert address.url is not None
        assert world.store.put(address.url, b"s" * address.part.size, "audio/wav")
    users.remove(world.core, "ann")
    assert known(world, "ann") is None
    assert set(world.store.objects) == {kept.audio_key}
    assert world.store.uploads == {}
    assert [row.id for row in world.rows("SELECT id FROM recordings")] == [kept.id]
    assert {row.user_id for row in world.rows("SELECT user_id FROM jobs")} == {bob.user_id}
    assert f"{running.job_id}.{running.attempt}" in world.launcher.cancelled
    with pytest.raises(Unauthenticated):
        accounts.authenticate(world.core, token)


def test_what_still_comes_to_an_upload_of_a_removed_user_is_deleted(world: World) -> None:
    begun = begun_upload(world, 5)
    url = begun.addresses[0].url
    assert url is not None
    users.remove(world.core, "ann")
    assert world.store.put(url, b"sound", "audio/wav")
    world.clock.pass_by(2 * uploads.URL_SECONDS + 1)
    uploads.sweep(world.core)
    assert world.store.objects == {}


def test_a_removal_that_was_interrupted_is_repeated(world: World) -> None:
    world.upload()
    users.change(world.db, "ann", {"is_active": False})
    users.remove(world.core, "ann")
    assert (world.count("recordings"), known(world, "ann")) == (0, None)


def test_an_upload_that_has_become_a_recording_goes_too(world: World) -> None:
    begun = begun_upload(world, 5)
    url = begun.addresses[0].url
    assert url is not None
    world.store.put(url, b"sound", "audio/wav")
    uploads.complete(world.core, world.ann, begun.upload.id)
    uploads.use(world.core, world.ann, begun.upload.id, NewRecording())
    users.remove(world.core, "ann")
    assert world.store.objects == {}
    assert world.count("uploads") == world.count("recordings") == 0


def test_the_local_owner_stays(world: World) -> None:
    accounts.local_owner(world.core)
    with pytest.raises(Conflict):
        users.remove(world.core, accounts.LOCAL_OWNER)


def test_what_a_member_has_made_for_a_group_stays_with_it(world: World) -> None:
    bob, eve = world.user("bob"), world.user("eve")
    group = groups.add(world.db, "Team")
    for name, admin in (("ann", True), ("bob", False), ("eve", True)):
        groups.join(world.db, "Team", name, admin=admin)
    recording = world.upload(bob)
    tag, folder = sorted_by(world, world.ann, group.id, recording.id)
    users.remove(world.core, "ann")
    assert world.rows("SELECT id, user_id FROM tags") == [(tag, eve.user_id)]
    assert world.rows("SELECT id, user_id FROM folders") == [(folder, eve.user_id)]
    assert world.count("recording_tags") == 1


def test_what_the_last_member_has_made_for_a_group_goes_too(world: World) -> None:
    group = groups.add(world.db, "Team")
    groups.join(world.db, "Team", "ann", admin=True)
    bobs = world.upload(world.user("bob"))
    sorted_by(world, world.ann, group.id, bobs.id)
    users.remove(world.core, "ann")
    assert world.count("tags") == world.count("folders") == 0
    assert world.count("groups") == 1
    assert world.kinds(bobs)[-1] == RECORDING_UPDATED


def test_groups_have_members_and_admins(world: World) -> None:
    world.user("bob")
    groups.add(world.db, "  Sales   team ")
    groups.add(world.db, "Board")
    groups.join(world.db, "Sales team", "bob", admin=False)
    groups.join(world.db, "Sales team", "ann", admin=True)
    listed = {group.name: roles for group, roles in groups.listed(world.db).items()}
    assert list(listed.items()) == [("Board", {}), ("Sales team", {"ann": Role.ADMIN, "bob": Role.MEMBER})]
    groups.join(world.db, "Sales team", "ann", admin=False)
    groups.leave(world.db, "Sales team", "bob")
    assert list(groups.listed(world.db).values()) == [{}, {"ann": Role.MEMBER}]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b"])
def test_a_group_needs_a_name(world: World, name: str) -> None:
    with pytest.raises(Invalid):
        groups.add(world.db, name)


def test_groups_and_members_that_are_not_there_are_told(world: World) -> None:
    groups.add(world.db, "Sales")
    with pytest.raises(Conflict):
        groups.add(world.db, " Sales ")
    for wrong in (
        lambda: groups.join(world.db, "Board", "ann", admin=False),
        lambda: groups.join(world.db, "Sales", "bob", admin=False),
        lambda: groups.leave(world.db, "Sales", "ann"),
        lambda: groups.remove(world.core, "Board"),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_a_group_goes_with_its_tags_and_folders_and_the_recordings_stay(world: World) -> None:
    bob = world.user("bob")
    group = groups.add(world.db, "Team")
    groups.join(world.db, "Team", "ann", admin=True)
    other, recording = world.upload(bob), world.upload(bob)
    sorted_by(world, world.ann, group.id, recording.id)
    before = world.kinds(recording)
    groups.remove(world.core, "Team")
    assert groups.listed(world.db) == {}
    assert world.count("tags") == world.count("folders") == world.count("group_members") == 0
    assert world.rows("SELECT folder_id FROM recordings WHERE id = :id", id=recording.id) == [(None,)]
    assert world.kinds(recording) == [*before, RECORDING_UPDATED]
    assert RECORDING_UPDATED not in world.kinds(other)
    assert recording.id in world.live.changes
