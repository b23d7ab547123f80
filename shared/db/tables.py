"""The tables, as the migrations leave them (a test compares the two)."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _id() -> Column[int]:
    # An identity column never hands out a number twice, also after deletes: clients key on ids.
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _at(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _created() -> Column[datetime]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _owner() -> Column[int]:
    return Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def _recording(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "recording_id",
        BigInteger,
        ForeignKey("recordings.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


# One row, made with the schema.
installation = Table(
    "installation",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
)

users = Table(
    "users",
    metadata,
    _id(),
    Column("username", Text, nullable=False, unique=True),
    Column("is_admin", Boolean, nullable=False, server_default=text("false")),
    _created(),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _id(),
    _owner(),
    Column("name", Text, nullable=False),
    # SHA-256 of the token, hexadecimal: 32 random bytes need no slow hash.
    Column("token_hash", Text, nullable=False, unique=True),
    _created(),
    _at("last_used_at"),
    _at("expires_at"),
    Index(None, "user_id"),
)

recordings = Table(
    "recordings",
    metadata,
    _id(),
    Column("uuid", Uuid, nullable=False, unique=True),
    _owner(),
    Column("title", Text, nullable=False),
    Column("title_given", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("error_message", Text),
    Column("original_filename", Text, nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    # None where nobody has told it: bytes that went straight to the store.
    Column("sha256", Text),
    Column("audio_key", Text, nullable=False),
    Column("audio_duration", Double),
    Column("audio_codec", Text),
    Column("sample_rate", Integer),
    Column("channels", Integer),
    Column("language", Text),
    Column("meeting_date", DateTime(timezone=True)),
    Column("is_inbox", Boolean, nullable=False, server_default=text("true")),
    Column("is_highlighted", Boolean, nullable=False, server_default=text("false")),
    Column("notes", Text),
    # The job whose segments are the transcript; a job that is still at work does not touch the old transcript.
    Column("transcript_job_id", BigInteger),
    Column("model", Text),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("summary", Text),
    Column("summary_parts", JSONB),
    Column("summary_model", Text),
    Column("transcription_seconds", Double),
    Column("summarization_seconds", Double),
    _created(),
    _at("completed_at"),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("status IN ('pending', 'processing', 'summarizing', 'completed', 'failed')", name="status"),
    Index(None, "user_id", "created_at", "id"),
    Index(None, "user_id", "meeting_date", "id"),
    Index(None, "user_id", "title", "id"),
    Index(None, "user_id", "file_size", "id"),
    Index(None, "user_id", "sha256"),
)

participants = Table(
    "participants",
    metadata,
    _id(),
    _recording(),
    Column("name", Text, nullable=False),
    Column("speaker", Integer),
    UniqueConstraint("recording_id", "speaker"),
)

jobs = Table(
    "jobs",
    metadata,
    _id(),
    _recording(),
    _owner(),
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
    _created(),
    # When the latest attempt was launched.
    _at("started_at"),
    _at("finished_at"),
    CheckConstraint(
        "status IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')",
        name="status",
    ),
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
    _created(),
    PrimaryKeyConstraint("job_id", "index"),
)

segments = Table(
    "segments",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    _recording(),
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
    _recording(),
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
    _owner(),
    Column("dialect", Text, nullable=False),
    # The last event this connection was sent, and when.
    Column("after_seq", BigInteger, nullable=False, server_default=text("0")),
    _at("sent_at"),
    _created(),
    _at("expires_at", nullable=False),
    Index(None, "recording_id"),
    Index(None, "expires_at"),
)

uploads = Table(
    "uploads",
    metadata,
    # Also the uuid of the recording that comes of it.
    Column("id", Uuid, primary_key=True),
    _owner(),
    Column("key", Text, nullable=False, unique=True),
    Column("reference", Text),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("part_size", BigInteger, nullable=False),
    Column("sha256", Text),
    # The recording that is to be made as soon as the bytes are there; NULL: the client makes it.
    Column("recording", JSONB),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("error_message", Text),
    _created(),
    # When the sweep looks at it next.
    _at("check_at", nullable=False),
    _at("expires_at", nullable=False),
    CheckConstraint("status IN ('open', 'complete', 'used', 'aborted')", name="status"),
    Index(None, "user_id"),
    Index(None, "check_at"),
)

# Objects that no row will know: the sweep deletes them when they are due.
object_deletions = Table(
    "object_deletions",
    metadata,
    Column("key", Text, primary_key=True),
    _at("due_at", nullable=False),
    Index(None, "due_at"),
)
