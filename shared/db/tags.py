"""Tags, and which recordings have them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, RowMapping, cast, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.db import named
from shared.db.recordings import owned
from shared.db.tables import recording_tags, recordings, tags
from shared.domain.tags import Tag


def _tag(row: RowMapping) -> Tag:
    return Tag(
        id=row["id"],
        user_id=row["user_id"],
        group_id=row["group_id"],
        name=row["name"],
        color=row["color"],
        defaults=named.defaults(row),
        protect_from_deletion=row["protect_from_deletion"],
        retention_days=row["retention_days"],
    )


def all_of(tx: Connection, user_id: int) -> list[Tag]:
    """Every tag the user may use: personal ones by name, then those of groups by name."""
    rows = tx.execute(select(tags).where(named.visible(tags, user_id)).order_by(*named.order(tags)))
    return [_tag(row) for row in rows.mappings()]


def by_id(tx: Connection, tag_id: int, *, lock: bool = False) -> Tag | None:
    statement = select(tags).where(tags.c.id == tag_id)
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _tag(row)


def usable(tx: Connection, user_id: int, tag_ids: Sequence[int]) -> list[Tag]:
    """Those of the tags that the user may use, in the order of `tag_ids`, each once. They stay until the commit."""
    asked = named.possible(tag_ids)
    if not asked:
        return []
    statement = select(tags).where(tags.c.id.in_(asked), named.visible(tags, user_id)).order_by(tags.c.id)
    rows = tx.execute(statement.with_for_update(read=True, key_share=True)).mappings()
    found = {row["id"]: _tag(row) for row in rows}
    return [found[each] for each in asked if each in found]


def of_recording(tx: Connection, recording_id: int) -> list[Tag]:
    """In the order in which they were added."""
    rows = tx.execute(
        select(tags)
        .join(recording_tags, recording_tags.c.tag_id == tags.c.id)
        .where(recording_tags.c.recording_id == recording_id)
        .order_by(recording_tags.c.id)
    )
    return [_tag(row) for row in rows.mappings()]


def recordings_with(tx: Connection, tag_id: int, *, lock: bool = False) -> dict[int, tuple[int, str]]:
    """Their owners and titles by id. They are locked before the tag itself: so does whoever puts it on one."""
    bearing = select(recording_tags.c.recording_id).where(recording_tags.c.tag_id == tag_id)
    return owned(tx, recordings.c.id.in_(bearing), lock=lock)


def add(tx: Connection, **values: Any) -> Tag | None:
    """None where the name is taken."""
    tag_id = named.add(tx, tags, values)
    return None if tag_id is None else by_id(tx, tag_id)


def change(tx: Connection, tag_id: int, values: dict[str, Any]) -> bool:
    """False where the name is taken."""
    return named.change(tx, tags, tag_id, values)


def remove(tx: Connection, tag_id: int) -> None:
    """Also takes it off all recordings."""
    tx.execute(delete(tags).where(tags.c.id == tag_id))


def link(tx: Connection, recording_ids: Sequence[int], tag_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Puts every one of the tags on every one of the recordings, in this order. The pairs that are new."""
    if not recording_ids or not tag_ids:
        return set()
    each = func.unnest(cast(list(recording_ids), ARRAY(BigInteger))).table_valued("id").render_derived("each")
    wanted = (
        func.unnest(cast(list(tag_ids), ARRAY(BigInteger)))
        .table_valued("id", with_ordinality="place")
        .render_derived("wanted")
    )
    pairs = select(each.c.id, wanted.c.id).join(wanted, true()).order_by(each.c.id, wanted.c.place)
    added = tx.execute(
        upsert(recording_tags)
        .from_select(["recording_id", "tag_id"], pairs)
        .on_conflict_do_nothing()
        .returning(recording_tags.c.recording_id, recording_tags.c.tag_id)
    )
    return {(row.recording_id, row.tag_id) for row in added}


def unlink(tx: Connection, recording_ids: Sequence[int], tag_ids: Sequence[int]) -> int:
    """Takes the tags off the recordings, and says how many there were."""
    asked = named.possible(tag_ids)
    # Tags before what links them: so does whoever deletes one.
    held = select(tags.c.id).where(tags.c.id.in_(asked)).order_by(tags.c.id)
    tx.execute(held.with_for_update(read=True, key_share=True))
    removed = tx.execute(
        delete(recording_tags).where(
            recording_tags.c.recording_id.in_(recording_ids), recording_tags.c.tag_id.in_(asked)
        )
    )
    return removed.rowcount
