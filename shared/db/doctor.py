"""Questions whose answer should be empty: rows that contradict each other. Each is one statement, so one moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from shared.domain.jobs import OPEN
from shared.domain.recordings import RecordingStatus

_AT_WORK = (RecordingStatus.PENDING, RecordingStatus.PROCESSING, RecordingStatus.SUMMARIZING)

#: What is wrong, and the statement that names it: a text or number per finding. `:long_ago` is a moment, the others are
#: statuses.
QUESTIONS: Mapping[str, str] = {
    "recordings at work without an open job": """
        SELECT id FROM recordings WHERE status = ANY (:at_work) AND NOT EXISTS (
          SELECT FROM jobs WHERE jobs.recording_id = recordings.id AND jobs.status = ANY (:open))""",
    "open jobs of recordings that have ended": """
        SELECT jobs.id FROM jobs JOIN recordings ON recordings.id = jobs.recording_id
        WHERE jobs.status = ANY (:open) AND recordings.status <> ALL (:at_work)""",
    "running jobs that nobody waits for": """
        SELECT id FROM jobs WHERE status = 'running' AND lease_until IS NULL""",
    "finished slices of jobs that have ended": """
        SELECT DISTINCT jobs.id FROM slices JOIN jobs ON jobs.id = slices.job_id
        WHERE jobs.status <> ALL (:open)""",
    "transcripts whose job is not there": """
        SELECT id FROM recordings WHERE transcript_job_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM jobs WHERE jobs.id = recordings.transcript_job_id AND jobs.recording_id = recordings.id)""",
    "segments of another recording's job": """
        SELECT DISTINCT segments.recording_id FROM segments JOIN jobs ON jobs.id = segments.job_id
        WHERE jobs.recording_id <> segments.recording_id""",
    "event logs with gaps": """
        SELECT recordings.id FROM recordings LEFT JOIN (
          SELECT recording_id, count(*) AS events, min(seq) AS first, max(seq) AS last FROM events GROUP BY recording_id
        ) AS logs ON logs.recording_id = recordings.id
        WHERE recordings.last_seq <> coalesce(logs.events, 0)
          OR logs.events > 0 AND (logs.first <> 1 OR logs.last <> logs.events)""",
    "voices of recordings without a transcript": """
        SELECT DISTINCT recording_voices.recording_id FROM recording_voices
        JOIN recordings ON recordings.id = recording_voices.recording_id WHERE transcript_job_id IS NULL""",
    "participants that stand for nobody": """
        SELECT participants.id FROM participants JOIN recordings ON recordings.id = participants.recording_id
        LEFT JOIN speakers ON speakers.id = participants.speaker_id
        WHERE (participants.speaker IS NULL AND NOT participants.listed) OR speakers.user_id <> recordings.user_id""",
    "deliveries that have no end": """
        SELECT webhook_deliveries.id FROM webhook_deliveries
        JOIN webhooks ON webhooks.id = webhook_deliveries.webhook_id
        WHERE (next_at IS NULL) <> (status IN ('success', 'permanent_failure'))
          OR lease_until < :long_ago AND next_at < :long_ago AND webhooks.enabled""",
    "uploads that nobody looks after": """
        SELECT id FROM uploads WHERE check_at < :long_ago""",
    "objects that should have been deleted": """
        SELECT key FROM object_deletions WHERE due_at < :long_ago""",
}


def ask(tx: Connection, question: str, long_ago: datetime) -> Sequence[str]:
    """What one of QUESTIONS finds, as texts; at most 100."""
    values = {"long_ago": long_ago, "open": list(OPEN), "at_work": list(_AT_WORK)}
    rows = tx.execute(text(QUESTIONS[question] + " LIMIT 100"), values)
    return [str(row[0]) for row in rows]


def kept_keys(tx: Connection) -> set[str]:
    """The objects of recordings that have their audio."""
    return set(tx.execute(text("SELECT audio_key FROM recordings WHERE audio_deleted_at IS NULL")).scalars())


def expected_keys(tx: Connection) -> set[str]:
    """Objects that may be there besides: of uploads, and those that go soon."""
    return set(tx.execute(text("SELECT key FROM uploads UNION SELECT key FROM object_deletions")).scalars())
