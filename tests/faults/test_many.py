"""Ten recordings at once on two workers."""

from pathlib import Path
from typing import Any

from tests.support.media import speech, wav
from tests.support.platform import Platform
from tests.support.waiting import until


def test_ten_uploads_are_served_in_order_and_two_at_a_time(platform: Platform, tmp_path: Path) -> None:
    short = wav(tmp_path / "short.wav", speech(2.0, start=1.0))
    ids = [platform.server.upload(short)["id"] for _ in range(10)]
    seen: dict[int, list[dict[str, Any]]] = {each: [] for each in ids}
    # Jobs may be launched between two questions: then the next look finds the queue in order.
    until(lambda: (waiting := _look(platform, seen)) and waiting == list(range(1, len(waiting) + 1)))
    while any(said[-1]["status"] != "COMPLETED" for said in seen.values()):
        _look(platform, seen)
        assert len(platform.workers()) <= 2
        assert len(platform.helpers()) <= 4
    assert all(said[-1]["progress"] == 100 for said in seen.values())
    assert any(said["queue_position"] for said in seen[ids[-1]]), "the last had to wait"
    started = platform.ledger.rows(
        "SELECT recording_id FROM events WHERE kind = 'job.started' AND recording_id >= %s ORDER BY at", ids[0]
    )
    assert [row["recording_id"] for row in started] == ids
    most = platform.ledger.rows(
        "SELECT sum(change) OVER (ORDER BY at, change) AS running FROM (SELECT at, CASE kind WHEN 'job.started' THEN 1"
        " ELSE -1 END AS change FROM events WHERE kind IN ('job.started', 'job.completed') AND recording_id >= %s) e"
        " ORDER BY running DESC LIMIT 1",
        ids[0],
    )
    assert most[0]["running"] <= 2


def _look(platform: Platform, seen: dict[int, list[dict[str, Any]]]) -> list[int]:
    """Asks for the status of each; returns the positions of those that wait."""
    with platform.server.client() as client:
        for each in seen:
            said = client.get(f"/api/v1/recordings/{each}/status").json()
            assert said["status"] in ("PENDING", "PROCESSING", "SUMMARIZING", "COMPLETED"), said
            assert not seen[each] or said["progress"] >= seen[each][-1]["progress"]
            seen[each].append(said)
    return [said[-1]["queue_position"] for said in seen.values() if said[-1]["queue_position"] is not None]
