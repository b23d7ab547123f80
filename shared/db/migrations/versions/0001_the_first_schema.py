"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
step = "pre"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("username", name=op.f("users_username_key")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("api_tokens_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("api_tokens_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("api_tokens_token_hash_key")),
    )
    op.create_index(op.f("api_tokens_user_id_idx"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "recordings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_given", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("original_filename", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("audio_key", sa.Text(), nullable=False),
        sa.Column("audio_duration", sa.Double(), nullable=True),
        sa.Column("audio_codec", sa.Text(), nullable=True),
        sa.Column("sample_rate", sa.Integer(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("meeting_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_inbox", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_highlighted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("transcript_job_id", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("summary_parts", postgresql.JSONB(), nullable=True),
        sa.Column("summary_model", sa.Text(), nullable=True),
        sa.Column("transcription_seconds", sa.Double(), nullable=True),
        sa.Column("summarization_seconds", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'summarizing', 'completed', 'failed')",
            name=op.f("recordings_status_check"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("recordings_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("recordings_pkey")),
        sa.UniqueConstraint("uuid", name=op.f("recordings_uuid_key")),
    )
    op.create_index(
        op.f("recordings_user_id_created_at_id_idx"), "recordings", ["user_id", "created_at", "id"], unique=False
    )
    op.create_index(
        op.f("recordings_user_id_file_size_id_idx"), "recordings", ["user_id", "file_size", "id"], unique=False
    )
    op.create_index(
        op.f("recordings_user_id_meeting_date_id_idx"), "recordings", ["user_id", "meeting_date", "id"], unique=False
    )
    op.create_index(op.f("recordings_user_id_sha256_idx"), "recordings", ["user_id", "sha256"], unique=False)
    op.create_index(op.f("recordings_user_id_title_id_idx"), "recordings", ["user_id", "title", "id"], unique=False)
    op.create_table(
        "connections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("connections_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("connections_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("connections_pkey")),
    )
    op.create_index(op.f("connections_expires_at_idx"), "connections", ["expires_at"], unique=False)
    op.create_index(op.f("connections_recording_id_idx"), "connections", ["recording_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("events_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", "seq", name=op.f("events_pkey")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("report_seq", sa.Integer(), server_default=sa.text("-1"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("launch_reference", sa.Text(), nullable=True),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("seams", sa.ARRAY(sa.Double()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("slices_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("diarization", postgresql.JSONB(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("progress", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("jobs_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("jobs_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("jobs_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("jobs_pkey")),
    )
    op.create_index(
        "jobs_open_recording_id_key",
        "jobs",
        ["recording_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running', 'paused')"),
    )
    op.create_index(
        "jobs_queued_idx", "jobs", ["not_before", "id"], unique=False, postgresql_where=sa.text("status = 'queued'")
    )
    op.create_index(op.f("jobs_user_id_started_at_idx"), "jobs", ["user_id", "started_at"], unique=False)
    op.create_index(op.f("jobs_recording_id_id_idx"), "jobs", ["recording_id", "id"], unique=False)
    op.create_index(
        "jobs_running_idx", "jobs", ["lease_until"], unique=False, postgresql_where=sa.text("status = 'running'")
    )
    op.create_table(
        "participants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("speaker", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("participants_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("participants_pkey")),
        sa.UniqueConstraint("recording_id", "speaker", name=op.f("participants_recording_id_speaker_key")),
    )
    op.create_table(
        "segments",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("speaker", sa.Integer(), nullable=True),
        sa.Column("speaker_confidence", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("segments_job_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("segments_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "position", name=op.f("segments_pkey")),
    )
    op.create_index(op.f("segments_recording_id_idx"), "segments", ["recording_id"], unique=False)
    op.create_table(
        "slices",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("slices_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "index", name=op.f("slices_pkey")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("installation_pkey")),
    )
    op.execute("INSERT INTO installation DEFAULT VALUES")


def downgrade() -> None:
    op.drop_table("installation")
    op.drop_table("slices")
    op.drop_index(op.f("segments_recording_id_idx"), table_name="segments")
    op.drop_table("segments")
    op.drop_table("participants")
    op.drop_index(op.f("jobs_user_id_started_at_idx"), table_name="jobs")
    op.drop_index("jobs_running_idx", table_name="jobs", postgresql_where=sa.text("status = 'running'"))
    op.drop_index(op.f("jobs_recording_id_id_idx"), table_name="jobs")
    op.drop_index("jobs_queued_idx", table_name="jobs", postgresql_where=sa.text("status = 'queued'"))
    op.drop_index(
        "jobs_open_recording_id_key",
        table_name="jobs",
        postgresql_where=sa.text("status IN ('queued', 'running', 'paused')"),
    )
    op.drop_table("jobs")
    op.drop_table("events")
    op.drop_index(op.f("connections_recording_id_idx"), table_name="connections")
    op.drop_index(op.f("connections_expires_at_idx"), table_name="connections")
    op.drop_table("connections")
    op.drop_index(op.f("recordings_user_id_title_id_idx"), table_name="recordings")
    op.drop_index(op.f("recordings_user_id_sha256_idx"), table_name="recordings")
    op.drop_index(op.f("recordings_user_id_meeting_date_id_idx"), table_name="recordings")
    op.drop_index(op.f("recordings_user_id_file_size_id_idx"), table_name="recordings")
    op.drop_index(op.f("recordings_user_id_created_at_id_idx"), table_name="recordings")
    op.drop_table("recordings")
    op.drop_index(op.f("api_tokens_user_id_idx"), table_name="api_tokens")
    op.drop_table("api_tokens")
    op.drop_table("users")
