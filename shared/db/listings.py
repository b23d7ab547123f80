"""Pages of recordings: at most two statements, and the price of a page does not grow with what is not on it."""

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, Connection, UnaryExpression, func, literal_column, or_, select

from shared.db.recordings import COLUMNS, recording_of
from shared.db.tables import participants, recording_counts, recording_tags, recordings
from shared.domain.recordings import NO_FOLDER, Listing, Recording

# Each has an index that ends in these columns and the id. The id breaks ties: no page repeats or skips a row.
_SORTS: Mapping[str, tuple[ColumnElement, ...]] = {
    "created_at": (recordings.c.created_at, recordings.c.id),
    "meeting_date": (recordings.c.meeting_date, recordings.c.id),
    "title": (recordings.c.title, recordings.c.id),
    "file_size": (recordings.c.file_size, recordings.c.id),
    "status": (recordings.c.status, recordings.c.created_at, recordings.c.id),
}


def page(tx: Connection, listing: Listing) -> tuple[list[Recording], int]:
    """One page and the number of recordings in all pages."""
    filters = list(_filters(listing))
    total = _count(tx, listing, filters) if filters else _counted(tx, listing)
    begin = (listing.page - 1) * listing.per_page
    end = min(begin + listing.per_page, total)
    if begin >= end:
        return [], total
    # Ids first, from an index alone, and from the end that is nearer; then the rows of this page only.
    backwards = begin > total - end
    ids = (
        select(recordings.c.id)
        .where(*_owned(listing), *filters)
        .order_by(*_order(listing, ascending=listing.ascending is not backwards))
        .limit(end - begin)
        .offset(total - end if backwards else begin)
        .subquery()
    )
    rows = tx.execute(
        select(*COLUMNS).join(ids, ids.c.id == recordings.c.id).order_by(*_order(listing, ascending=listing.ascending))
    )
    return [recording_of(row) for row in rows.mappings()], total


def _order(listing: Listing, *, ascending: bool) -> Iterator[UnaryExpression]:
    for column in _SORTS[listing.sort_by]:
        if column is recordings.c.meeting_date:
            # As its index has it: what has no date comes before what has one.
            yield column.asc().nulls_first() if ascending else column.desc().nulls_last()
        else:
            yield column.asc() if ascending else column.desc()


def _counted(tx: Connection, listing: Listing) -> int:
    """From the counters that triggers keep."""
    statement = select(func.coalesce(func.sum(recording_counts.c.count), 0)).where(
        recording_counts.c.user_id == listing.user_id
    )
    if listing.statuses is not None:
        statement = statement.where(recording_counts.c.status.in_(listing.statuses))
    return int(tx.execute(statement).scalar_one())


def _count(tx: Connection, listing: Listing, filters: list[ColumnElement[bool]]) -> int:
    statement = select(func.count()).select_from(recordings).where(*_owned(listing), *filters)
    return tx.execute(statement).scalar_one()


def _owned(listing: Listing) -> Iterator[ColumnElement[bool]]:
    yield recordings.c.user_id == listing.user_id
    if listing.statuses is not None:
        yield recordings.c.status.in_(listing.statuses)


def _filters(listing: Listing) -> Iterator[ColumnElement[bool]]:
    """All that the counters know nothing of."""
    if listing.date_from is not None:
        yield recordings.c.created_at >= listing.date_from
    if listing.date_to is not None:
        yield recordings.c.created_at <= listing.date_to
    if listing.inbox is not None:
        yield recordings.c.is_inbox.is_(listing.inbox)
    if listing.starred is not None:
        yield recordings.c.is_highlighted.is_(listing.starred)
    if listing.tag_id is not None:
        tagged = select(recording_tags.c.recording_id).where(recording_tags.c.tag_id == listing.tag_id)
        yield recordings.c.id.in_(tagged)
    if listing.folder_id is not None:
        loose = listing.folder_id == NO_FOLDER
        yield recordings.c.folder_id.is_(None) if loose else recordings.c.folder_id == listing.folder_id
    if listing.query:
        yield _mentions(listing.query)


def _mentions(query: str) -> ColumnElement[bool]:
    named = select(literal_column("1")).where(
        participants.c.recording_id == recordings.c.id,
        participants.c.listed,
        participants.c.name.icontains(query, autoescape=True),
    )
    return or_(recordings.c.title.icontains(query, autoescape=True), named.exists())
