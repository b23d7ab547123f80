"""Lists of many recordings: what a page costs among 1,000 and among 100,000, and how many statements it takes.

Run: python -m bench.lists
"""

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import text

from shared.adapters.embedded_postgres import EmbeddedPostgres
from shared.db.database import Database
from shared.db.migrations import migrate
from shared.domain.accounts import Caller
from shared.domain.policy import Policy
from shared.domain.recordings import NO_FOLDER, SORT_KEYS, Listing, RecordingStatus
from shared.services import recordings, stats
from tests.support.door import Door
from tests.support.shelf import counted
from tests.support.world import World

FEW, MANY = 1_000, 100_000
RUNS = 200
PER_PAGE = 25
# Counters are few rows: to read them all is the right way.
WHOLE_TABLE = r"Seq Scan on (recordings|recording_tags|participants)\b"
LAST_PAGE = MANY // PER_PAGE

# Newest first by id and by date; a summary as long as summaries are, so that a row is as wide as rows are.
_FILL = """
INSERT INTO folders (user_id, name, color) VALUES (:user, 'Calls', '#10B981');
INSERT INTO tags (user_id, name, color) VALUES (:user, 'Work', '#3B82F6'), (:user, 'Rare', '#3B82F6');
INSERT INTO recordings (uuid, user_id, title, title_given, status, original_filename, mime_type, file_size, sha256,
  audio_key, audio_duration, meeting_date, is_highlighted, folder_id, summary, notes, created_at, completed_at)
SELECT gen_random_uuid(), :user, 'Meeting ' || md5(n::text), true,
  CASE WHEN n % 500 = 0 THEN 'failed' WHEN n % 100 = 0 THEN 'pending' ELSE 'completed' END, 'meeting.mp3',
  'audio/mpeg', 1000000 + n * 7919 % 1000000, md5(:user || '/' || n), 'audio/' || :user || '/' || n, 1800,
  now() - make_interval(mins => :count - n), n % 50 = 0,
  CASE WHEN n % 40 = 0 THEN (SELECT id FROM folders WHERE user_id = :user) END,
  repeat('It was said that work goes on. ', 40), 'Weekly', now() - make_interval(mins => :count - n), now()
FROM generate_series(1, :count) AS n;
INSERT INTO participants (recording_id, speaker, name)
SELECT id, speaker, 'Person ' || (id + speaker) % 1000 FROM recordings, generate_series(0, 1) AS speaker
WHERE user_id = :user;
INSERT INTO recording_tags (recording_id, tag_id)
SELECT recordings.id, tags.id FROM recordings JOIN tags USING (user_id)
WHERE user_id = :user AND recordings.id % CASE tags.name WHEN 'Work' THEN 2 ELSE 1000 END = 0;
INSERT INTO jobs (recording_id, user_id, status, options, first_seq, started_at, finished_at)
SELECT id, user_id, CASE status WHEN 'pending' THEN 'queued' ELSE 'completed' END, '{}', 1, completed_at, completed_at
FROM recordings WHERE user_id = :user;
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        db = Database(postgres.start())
        try:
            migrate(db)
            measure(World(db, policy=Policy(folders=True)))
        finally:
            db.close()
            postgres.stop()


def measure(world: World) -> None:
    few, many = world.user("few"), world.user("many")
    fill(world.db, few, FEW)
    fill(world.db, many, MANY)
    with world.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Autovacuum would do this within a minute.
        connection.execute(text("VACUUM ANALYZE"))
    pages(world, few, many)
    filters(world, many)
    single(world, many)
    requests(Door(world), few, many)


def fill(db: Database, user: Caller, count: int) -> None:
    with db.begin() as tx:
        for statement in filter(str.strip, _FILL.split(";\n")):
            tx.execute(text(statement), {"user": user.user_id, "count": count})


def pages(world: World, few: Caller, many: Caller) -> None:
    times = together(
        {
            "few": lambda: recordings.page(world.core, few, Listing(few.user_id, 1, PER_PAGE)),
            "many": lambda: recordings.page(world.core, many, Listing(many.user_id, 1, PER_PAGE)),
            "last": lambda: recordings.page(world.core, many, Listing(many.user_id, LAST_PAGE, PER_PAGE)),
            "middle": lambda: recordings.page(world.core, many, Listing(many.user_id, LAST_PAGE // 2, PER_PAGE)),
        }
    )
    with counted(world.db) as statements:
        recordings.page(world.core, many, Listing(many.user_id, LAST_PAGE, PER_PAGE))
    print(f"page 1 of {FEW:,}: {times['few']:.2f} ms; of {MANY:,}: {times['many']:.2f} ms")
    print(f"page 1 of {MANY:,} against {FEW:,}: {times['many'] / times['few']:.2f} x (target <= 1.3)")
    print(f"page {LAST_PAGE:,}: {times['last']:.2f} ms, {times['last'] / times['many']:.2f} x page 1 (target <= 3)")
    print(f"page {LAST_PAGE // 2:,}, the farthest from both ends: {times['middle']:.2f} ms")
    print(f"statements of a page: {len(statements)} (target <= 2)")


def filters(world: World, many: Caller) -> None:
    tags = {name: tag_id for tag_id, name in rows(world.db, "SELECT id, name FROM tags WHERE user_id = :user", many)}
    folder = rows(world.db, "SELECT id FROM folders WHERE user_id = :user", many)[0][0]
    middle = rows(world.db, "SELECT created_at FROM recordings WHERE user_id = :user OFFSET 50000 LIMIT 1", many)[0][0]
    listings = {f"by {key}": {"sort_by": key} for key in SORT_KEYS} | {
        "status pending": {"statuses": [RecordingStatus.PENDING]},
        "half of the dates": {"date_from": middle},
        "tag on half": {"tag_id": tags["Work"]},
        "tag on 100": {"tag_id": tags["Rare"]},
        "folder": {"folder_id": folder},
        "no folder": {"folder_id": NO_FOLDER},
        "starred": {"starred": True},
        "search": {"query": "person 77"},
    }
    for name, wanted in listings.items():
        listing = Listing(many.user_id, 1, PER_PAGE, **wanted)
        with counted(world.db) as statements:
            recordings.page(world.core, many, listing)
        took = together({"": lambda listing=listing: recordings.page(world.core, many, listing)}, runs=9)[""]
        scans = sum(bool(re.search(WHOLE_TABLE, plan(world.db, *each))) for each in statements)
        print(f"page 1, {name}: {took:.1f} ms, {len(statements)} statements, {scans} with a scan of a whole table")


def single(world: World, many: Caller) -> None:
    waiting = "SELECT recording_id FROM jobs WHERE status = 'queued' AND user_id = :user LIMIT 1"
    recording_id = rows(world.db, waiting, many)[0][0]
    calls: dict[str, Callable[[], object]] = {
        "detail without texts": lambda: recordings.details(world.core, many, recording_id),
        "status of one that waits": lambda: recordings.status(world.core, many, recording_id),
        "status of one that is done": lambda: recordings.status(world.core, many, recording_id + 1),
        "stats": lambda: stats.get(world.core, many),
    }
    for name, call in calls.items():
        with counted(world.db) as statements:
            call()
        print(f"{name}: {together({'': call}, runs=50)['']:.2f} ms, statements: {len(statements)}")


def requests(door: Door, few: Caller, many: Caller) -> None:
    """The whole request, with its token, through the application in this process."""
    answers = together(
        {
            "few": lambda: door.get("/api/v1/recordings", few),
            "many": lambda: door.get("/api/v1/recordings", many),
            "last": lambda: door.get(f"/api/v1/recordings?page={LAST_PAGE}", many),
        }
    )
    with counted(door.world.db) as statements:
        door.get("/api/v1/recordings", many).raise_for_status()
    times = ", ".join(f"{name} {took:.1f} ms" for name, took in answers.items())
    print(f"whole requests: {times}; statements with those of the token: {len(statements)}")


def together(calls: Mapping[str, Callable[[], object]], runs: int = RUNS) -> dict[str, float]:
    """The median of each in milliseconds; in turns, so that whatever slows the machine down slows down all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + runs // 10):
        for name, call in calls.items():
            began = perf_counter()
            call()
            if run >= runs // 10:
                times[name].append(perf_counter() - began)
    return {name: median(taken) * 1000 for name, taken in times.items()}


def plan(db: Database, statement: str, values: object) -> str:
    with db.begin() as tx:
        return "\n".join(row[0] for row in tx.exec_driver_sql(f"EXPLAIN {statement}", values))


def rows(db: Database, statement: str, user: Caller) -> list:
    with db.begin() as tx:
        return list(tx.execute(text(statement), {"user": user.user_id}))


if __name__ == "__main__":
    main()
