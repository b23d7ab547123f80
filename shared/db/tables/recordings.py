"""Recordings, how they are sorted, and the objects that hold their audio."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
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
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables.base import created, defaults, group, id_column, metadata, moment, owner, recording

# Personal: `user_id` owns it. Of a group: `user_id` has made it, the group's admins look after it.
tags = Table(
    "tags",
    metadata,
    id_column(),
    owner(),
    group(nullable=True),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    *defaults(),
    Column("protect_from_deletion", Boolean, nullable=False, server_default=text("false")),
    Column("retention_days", Integer),
    created(),
    Index("tags_user_id_name_key", "user_id", "name", unique=True, postgresql_where=text("group_id IS NULL")),
    Index("tags_group_id_name_key", "group_id", "name", unique=True, postgresql_where=text("group_id IS NOT NULL")),
)


folders = Table(
    "folders",
    metadata,
    id_column(),
    owner(),
    group(nullable=True),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    *defaults(),
    Column("protect_from_deletion", Boolean, nullable=False, server_default=text("false")),
    Column("retention_days", Integer),
    Column("auto_share_on_apply", Boolean, nullable=False, server_default=text("true")),
    Column("share_with_group_lead", Boolean, nullable=False, server_default=text("true")),
    created(),
    Index("folders_user_id_name_key", "user_id", "name", unique=True, postgresql_where=text("group_id IS NULL")),
    Index("folders_group_id_name_key", "group_id", "name", unique=True, postgresql_where=text("group_id IS NOT NULL")),
)


recordings = Table(
    "recordings",
    metadata,
    id_column(),
    Column("uuid", Uuid, nullable=False, unique=True),
    owner(),
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
    Column("folder_id", BigInteger, ForeignKey("folders.id", ondelete="SET NULL")),
    # What the request said of its prompt variables and of the prompt itself, for the summaries to come.
    Column("prompt_variables", JSONB, nullable=False, server_default=text("'{}'")),
    Column("deletion_exempt", Boolean, nullable=False, server_default=text("false")),
    # When retention took the audio away and left the transcript.
    moment("audio_deleted_at"),
    # The job whose segments are the transcript; a job that is still at work does not touch the old transcript.
    Column("transcript_job_id", BigInteger),
    Column("model", Text),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("summary", Text),
    Column("summary_parts", JSONB),
    Column("summary_model", Text),
    Column("transcription_seconds", Double),
    Column("summarization_seconds", Double),
    created(),
    moment("completed_at"),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("status IN ('pending', 'processing', 'summarizing', 'completed', 'failed')", name="status"),
    Index(None, "user_id", "created_at", "id"),
    # In the order of lists, read forwards and backwards: what has no date comes before what has one.
    Index("recordings_user_id_meeting_date_id_idx", "user_id", text("meeting_date NULLS FIRST"), "id"),
    Index(None, "user_id", "title", "id"),
    Index(None, "user_id", "file_size", "id"),
    Index(None, "user_id", "sha256"),
    Index(None, "user_id", "status", "created_at", "id"),
    Index(None, "folder_id", "user_id", "created_at", "id"),
    # The newest of a user's transcripts.
    Index(
        "recordings_completed_user_id_completed_at_idx",
        "user_id",
        "completed_at",
        postgresql_where=text("status = 'completed'"),
    ),
    # Retention looks for the oldest.
    Index("recordings_audio_created_at_idx", "created_at", postgresql_where=text("audio_deleted_at IS NULL")),
)


recording_tags = Table(
    "recording_tags",
    metadata,
    id_column(),
    recording(),
    Column("tag_id", BigInteger, ForeignKey("tags.id", ondelete="CASCADE"), nullable=False),
    # In the order of their ids.
    UniqueConstraint("recording_id", "tag_id"),
    Index(None, "tag_id", "recording_id"),
)


# How many recordings a user has in each status, and how many bytes: what triggers on `recordings` add up in rows of
# their own (no two transactions wait for each other), and the sweep adds together.
recording_counts = Table(
    "recording_counts",
    metadata,
    id_column(),
    Column("user_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Index(None, "user_id"),
)


# Appointments that were spoken of.
calendar_events = Table(
    "calendar_events",
    metadata,
    id_column(),
    recording(),
    Column("title", Text, nullable=False),
    moment("start_at", nullable=False),
    moment("end_at"),
    Column("description", Text),
    Column("location", Text),
    Column("attendees", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("reminder_minutes", Integer),
    created(),
    Index(None, "recording_id"),
)


uploads = Table(
    "uploads",
    metadata,
    # Also the uuid of the recording that comes of it.
    Column("id", Uuid, primary_key=True),
    owner(),
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
    created(),
    # When the sweep looks at it next.
    moment("check_at", nullable=False),
    moment("expires_at", nullable=False),
    CheckConstraint("status IN ('open', 'complete', 'used', 'aborted')", name="status"),
    Index(None, "user_id"),
    Index(None, "check_at"),
)


# Objects that no row will know: the sweep deletes them when they are due.
object_deletions = Table(
    "object_deletions",
    metadata,
    Column("key", Text, primary_key=True),
    moment("due_at", nullable=False),
    Index(None, "due_at"),
)

# What was brought over from another server: an import that broke off goes on where it ended.
imports = Table(
    "imports",
    metadata,
    owner(),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("foreign_id", BigInteger, nullable=False),
    Column("own_id", BigInteger, nullable=False),
    created(),
    PrimaryKeyConstraint("user_id", "source", "kind", "foreign_id"),
)
