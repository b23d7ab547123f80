"""Work, what it yields, and the log of what happened."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables.base import created, id_column, metadata, moment, owner, recording

jobs = Table(
    "jobs",
    metadata,
    id_column(),
    recording(),
    owner(),
    Column("kind", Text, nullable=False, server_default=text("'transcribe'")),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("report_seq", Integer, nullable=False, server_default=text("-1")),
    Column("lease_until", DateTime(timezone=True)),
    Column("not_before", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("launch_reference", Text),
    # What `attempt` was when it was launched, and who reports under it.
    Column("launch_attempt", Integer, nullable=False, server_default=text("0")),
    Column("worker", Text),
    Column("options", JSONB, nullable=False),
    Column("seams", ARRAY(Double), nullable=False, server_default=text("'{}'")),
    Column("slices_done", Integer, nullable=False, server_default=text("0")),
    Column("diarization", JSONB),
    Column("model", Text),
    Column("progress", Integer, nullable=False, server_default=text("0")),
    Column("error_message", Text),
    # Where the story of this job begins in the event log of its recording.
    Column("first_seq", BigInteger, nullable=False),
    created(),
    # When the latest attempt was launched.
    moment("started_at"),
    moment("finished_at"),
    CheckConstraint(
        "status IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')",
        name="status",
    ),
    CheckConstraint("kind IN ('transcribe', 'summarize')", name="kind"),
    # At most one open job per recording: two calls at once cannot start the work twice.
    Index(
        "jobs_open_recording_id_key",
        "recording_id",
        unique=True,
        postgresql_where=text("status IN ('queued', 'running', 'paused')"),
    ),
    Index("jobs_queued_idx", "not_before", "id", postgresql_where=text("status = 'queued'")),
    # Whose turn it is: users are served in turn.
    Index(None, "user_id", "started_at"),
    Index("jobs_running_idx", "lease_until", postgresql_where=text("status = 'running'")),
    Index(None, "recording_id", "id"),
)


slices = Table(
    "slices",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("index", Integer, nullable=False),
    Column("result", JSONB, nullable=False),
    created(),
    PrimaryKeyConstraint("job_id", "index"),
)


segments = Table(
    "segments",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    recording(),
    Column("start", Double, nullable=False),
    Column("end", Double, nullable=False),
    Column("speaker", Integer),
    Column("speaker_confidence", Double),
    Column("text", Text, nullable=False),
    Column("words", JSONB, nullable=False),
    PrimaryKeyConstraint("job_id", "position"),
    Index(None, "recording_id"),
)


events = Table(
    "events",
    metadata,
    recording(),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("recording_id", "seq"),
)


connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    # No foreign key: who watches a recording that is deleted has yet to be told.
    Column("recording_id", BigInteger, nullable=False),
    owner(),
    Column("dialect", Text, nullable=False),
    # The last event this connection was sent, and when.
    Column("after_seq", BigInteger, nullable=False, server_default=text("0")),
    moment("sent_at"),
    created(),
    moment("expires_at", nullable=False),
    Index(None, "recording_id"),
    Index(None, "expires_at"),
)
