"""How many recordings a user has in each status, and their bytes: triggers add rows, this adds them together."""

from sqlalchemy import Connection, text

# Rows that somebody else adds together right now are left to them.
_COMPACT = text("""
WITH several AS (SELECT user_id, status FROM recording_counts GROUP BY user_id, status HAVING count(*) > 1),
gone AS (
  DELETE FROM recording_counts WHERE id IN (
    SELECT id FROM recording_counts WHERE (user_id, status) IN (SELECT user_id, status FROM several)
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
  RETURNING user_id, status, count, bytes)
INSERT INTO recording_counts (user_id, status, count, bytes)
SELECT user_id, status, sum(count)::bigint, sum(bytes)::bigint FROM gone
GROUP BY user_id, status HAVING sum(count) <> 0 OR sum(bytes) <> 0
""")

_DIFFERING = text("""
SELECT user_id, status FROM (
  SELECT user_id, status, count, bytes FROM recording_counts
  UNION ALL
  SELECT user_id, status, -count(*), -sum(stored_bytes(recordings)) FROM recordings GROUP BY user_id, status) AS counted
GROUP BY user_id, status HAVING sum(count) <> 0 OR sum(bytes) <> 0 ORDER BY user_id, status
""")


def compact_counts(tx: Connection, *, limit: int = 100_000) -> None:
    """Leaves one row per user and status, as long as nobody changes anything meanwhile. The sums stay as they are."""
    tx.execute(_COMPACT, {"limit": limit})


def differing(tx: Connection) -> list[tuple[int, str]]:
    """Users and statuses whose sums are not what a recount says."""
    return [(row.user_id, row.status) for row in tx.execute(_DIFFERING)]


def recount(tx: Connection) -> None:
    """Counts everything anew. Nobody can change a recording meanwhile."""
    tx.execute(text("LOCK TABLE recordings IN SHARE MODE"))
    # Nor add rows together: the sums of what is deleted here would stay.
    tx.execute(text("LOCK TABLE recording_counts IN SHARE ROW EXCLUSIVE MODE"))
    tx.execute(text("DELETE FROM recording_counts"))
    tx.execute(
        text("""
        INSERT INTO recording_counts (user_id, status, count, bytes)
        SELECT user_id, status, count(*), sum(stored_bytes(recordings)) FROM recordings GROUP BY user_id, status
        """)
    )
