"""Accounts and groups, tags and folders, speakers and their voices, webhooks, limits, and counters of recordings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
# The code of 0002 works on this schema, too.
step = "pre"

# Inserts and deletes are counted per statement, so that a thousand at once are one row; of updates only those that
# change what is counted.
_COUNTERS = """
CREATE FUNCTION stored_bytes(recording recordings) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN recording.audio_deleted_at IS NULL THEN recording.file_size ELSE 0 END $$;

CREATE FUNCTION count_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO recording_counts (user_id, status, count, bytes)
    SELECT user_id, status, count(*), sum(stored_bytes(changed)) FROM changed GROUP BY user_id, status;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO recording_counts (user_id, status, count, bytes)
    SELECT user_id, status, -count(*), -sum(stored_bytes(changed)) FROM changed GROUP BY user_id, status;
  ELSE
    INSERT INTO recording_counts (user_id, status, count, bytes)
    VALUES (OLD.user_id, OLD.status, -1, -stored_bytes(OLD)), (NEW.user_id, NEW.status, 1, stored_bytes(NEW));
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER recordings_added AFTER INSERT ON recordings REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_recordings();
CREATE TRIGGER recordings_removed AFTER DELETE ON recordings REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_recordings();
CREATE TRIGGER recordings_changed AFTER UPDATE OF user_id, status, file_size, audio_deleted_at ON recordings
FOR EACH ROW WHEN ((OLD.user_id, OLD.status, OLD.file_size, OLD.audio_deleted_at)
  IS DISTINCT FROM (NEW.user_id, NEW.status, NEW.file_size, NEW.audio_deleted_at))
EXECUTE FUNCTION count_recordings();

INSERT INTO recording_counts (user_id, status, count, bytes)
SELECT user_id, status, count(*), sum(file_size) FROM recordings GROUP BY user_id, status;
"""

# voice_similarity is the cosine of two voices, 0 where they cannot be compared: by pgvector where it may be had, which
# then keeps the voices, too, else written out. Whoever asks needs not know which.
_VOICES = """
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
    RAISE insufficient_privilege;
  END IF;
  CREATE EXTENSION IF NOT EXISTS vector;
  ALTER TABLE voice_profiles ALTER COLUMN embedding TYPE vector USING embedding::vector;
  ALTER TABLE recording_voices ALTER COLUMN embedding TYPE vector USING embedding::vector;
  CREATE FUNCTION voice_similarity(a vector, b double precision[]) RETURNS double precision LANGUAGE sql STABLE AS
  $$ SELECT CASE WHEN vector_dims(a) = cardinality(b) THEN
       coalesce(nullif(1 - (a <=> b::vector), 'NaN'), 0) ELSE 0 END $$;
EXCEPTION WHEN insufficient_privilege THEN
  CREATE FUNCTION voice_similarity(a double precision[], b double precision[]) RETURNS double precision
  LANGUAGE sql STABLE AS
  $$ SELECT CASE WHEN cardinality(a) = cardinality(b) THEN
       coalesce(sum(x * y) / nullif(sqrt(sum(x * x)) * sqrt(sum(y * y)), 0), 0) ELSE 0 END
     FROM unnest(a, b) AS pairs (x, y) $$;
END $do$;
"""


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("groups_pkey")),
        sa.UniqueConstraint("name", name=op.f("groups_name_key")),
    )
    op.create_table(
        "rate_limits",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "kind", name=op.f("rate_limits_pkey")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("rate_limits_since_idx"), "rate_limits", ["since"], unique=False)
    op.create_table(
        "recording_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("recording_counts_pkey")),
    )
    op.create_index(op.f("recording_counts_user_id_idx"), "recording_counts", ["user_id"], unique=False)
    op.create_table(
        "folders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("custom_prompt", sa.Text(), nullable=True),
        sa.Column("default_language", sa.Text(), nullable=True),
        sa.Column("default_min_speakers", sa.Integer(), nullable=True),
        sa.Column("default_max_speakers", sa.Integer(), nullable=True),
        sa.Column("default_hotwords", sa.Text(), nullable=True),
        sa.Column("default_initial_prompt", sa.Text(), nullable=True),
        sa.Column("default_transcription_model", sa.Text(), nullable=True),
        sa.Column("protect_from_deletion", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("auto_share_on_apply", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("share_with_group_lead", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("folders_group_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("folders_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("folders_pkey")),
    )
    op.create_index(
        "folders_group_id_name_key",
        "folders",
        ["group_id", "name"],
        unique=True,
        postgresql_where=sa.text("group_id IS NOT NULL"),
    )
    op.create_index(
        "folders_user_id_name_key",
        "folders",
        ["user_id", "name"],
        unique=True,
        postgresql_where=sa.text("group_id IS NULL"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('member', 'admin')", name=op.f("group_members_role_check")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("group_members_group_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("group_members_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("group_members_pkey")),
    )
    op.create_index(op.f("group_members_user_id_idx"), "group_members", ["user_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reference", sa.BigInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("idempotency_keys_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_index(op.f("idempotency_keys_created_at_idx"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "speakers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("use_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("speakers_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("speakers_pkey")),
        sa.UniqueConstraint("user_id", "name", name=op.f("speakers_user_id_name_key")),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("custom_prompt", sa.Text(), nullable=True),
        sa.Column("default_language", sa.Text(), nullable=True),
        sa.Column("default_min_speakers", sa.Integer(), nullable=True),
        sa.Column("default_max_speakers", sa.Integer(), nullable=True),
        sa.Column("default_hotwords", sa.Text(), nullable=True),
        sa.Column("default_initial_prompt", sa.Text(), nullable=True),
        sa.Column("default_transcription_model", sa.Text(), nullable=True),
        sa.Column("protect_from_deletion", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name=op.f("tags_group_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("tags_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("tags_pkey")),
    )
    op.create_index(
        "tags_group_id_name_key",
        "tags",
        ["group_id", "name"],
        unique=True,
        postgresql_where=sa.text("group_id IS NOT NULL"),
    )
    op.create_index(
        "tags_user_id_name_key", "tags", ["user_id", "name"], unique=True, postgresql_where=sa.text("group_id IS NULL")
    )
    op.create_table(
        "transcript_templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("transcript_templates_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("transcript_templates_pkey")),
        sa.UniqueConstraint("user_id", "name", name=op.f("transcript_templates_user_id_name_key")),
    )
    op.create_index(
        "transcript_templates_default_key",
        "transcript_templates",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "usage",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("transcription_seconds", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("usage_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "day", name=op.f("usage_pkey")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("allow_http", sa.Boolean(), nullable=False),
        sa.Column("events", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("auto_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("trial_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("webhooks_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("webhooks_pkey")),
    )
    op.create_index(op.f("webhooks_user_id_idx"), "webhooks", ["user_id"], unique=False)
    op.create_table(
        "voice_profiles",
        sa.Column("speaker_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("embedding", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("similarities", sa.ARRAY(sa.Double()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("voice_profiles_speaker_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("speaker_id", "kind", name=op.f("voice_profiles_pkey")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempt_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body_preview", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'success', 'failed', 'permanent_failure')",
            name=op.f("webhook_deliveries_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("webhook_deliveries_webhook_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("webhook_deliveries_pkey")),
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["webhook_id", "next_at", "id"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(op.f("webhook_deliveries_created_at_idx"), "webhook_deliveries", ["created_at"], unique=False)
    op.create_index(
        op.f("webhook_deliveries_webhook_id_id_idx"), "webhook_deliveries", ["webhook_id", "id"], unique=False
    )
    op.create_table(
        "calendar_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("attendees", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reminder_minutes", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("calendar_events_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("calendar_events_pkey")),
    )
    op.create_index(op.f("calendar_events_recording_id_idx"), "calendar_events", ["recording_id"], unique=False)
    op.create_table(
        "recording_tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("recording_tags_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("recording_tags_tag_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("recording_tags_pkey")),
        sa.UniqueConstraint("recording_id", "tag_id", name=op.f("recording_tags_recording_id_tag_id_key")),
    )
    op.create_index(
        op.f("recording_tags_tag_id_recording_id_idx"), "recording_tags", ["tag_id", "recording_id"], unique=False
    )
    op.create_table(
        "recording_voices",
        sa.Column("recording_id", sa.BigInteger(), nullable=False),
        sa.Column("speaker", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("embedding", sa.ARRAY(sa.Double()), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("recording_voices_recording_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", "speaker", name=op.f("recording_voices_pkey")),
    )
    op.add_column("api_tokens", sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("jobs", sa.Column("kind", sa.Text(), server_default=sa.text("'transcribe'"), nullable=False))
    op.add_column("participants", sa.Column("speaker_id", sa.BigInteger(), nullable=True))
    op.add_column("participants", sa.Column("listed", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_index(op.f("participants_speaker_id_idx"), "participants", ["speaker_id"], unique=False)
    op.create_foreign_key(
        op.f("participants_speaker_id_fkey"), "participants", "speakers", ["speaker_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("recordings", sa.Column("folder_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "recordings", sa.Column("prompt_variables", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "recordings", sa.Column("deletion_exempt", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("recordings", sa.Column("audio_deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "recordings_audio_created_at_idx",
        "recordings",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("audio_deleted_at IS NULL"),
    )
    op.create_index(
        op.f("recordings_folder_id_user_id_created_at_id_idx"),
        "recordings",
        ["folder_id", "user_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("recordings_user_id_status_created_at_id_idx"),
        "recordings",
        ["user_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "recordings_completed_user_id_completed_at_idx",
        "recordings",
        ["user_id", "completed_at"],
        unique=False,
        postgresql_where=sa.text("status = 'completed'"),
    )
    op.drop_index("recordings_user_id_meeting_date_id_idx", "recordings")
    op.create_index(
        "recordings_user_id_meeting_date_id_idx",
        "recordings",
        ["user_id", sa.text("meeting_date NULLS FIRST"), "id"],
        unique=False,
    )
    op.create_foreign_key(
        op.f("recordings_folder_id_fkey"), "recordings", "folders", ["folder_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("users", sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("users", sa.Column("email", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("job_title", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("company", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("issuer", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("preferences", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("users", sa.Column("monthly_token_budget", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("monthly_transcription_seconds", sa.BigInteger(), nullable=True))
    op.create_index("users_issuer_subject_key", "users", ["issuer", "subject"], unique=True)
    op.create_table(
        "imports",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("foreign_id", sa.BigInteger(), nullable=False),
        sa.Column("own_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("imports_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "source", "kind", "foreign_id", name=op.f("imports_pkey")),
    )
    op.execute(_COUNTERS)
    op.execute(_VOICES)


def downgrade() -> None:
    op.drop_index("recordings_user_id_meeting_date_id_idx", "recordings")
    op.create_index("recordings_user_id_meeting_date_id_idx", "recordings", ["user_id", "meeting_date", "id"])
    op.drop_index("recordings_completed_user_id_completed_at_idx", "recordings")
    op.drop_index("recordings_user_id_status_created_at_id_idx", "recordings")
    op.execute("DROP TRIGGER recordings_added ON recordings")
    op.execute("DROP TRIGGER recordings_removed ON recordings")
    op.execute("DROP TRIGGER recordings_changed ON recordings")
    op.execute("DROP FUNCTION count_recordings, stored_bytes")
    op.execute("DROP FUNCTION voice_similarity")
    op.drop_table("imports")
    op.drop_column("users", "monthly_transcription_seconds")
    op.drop_column("users", "monthly_token_budget")
    op.drop_column("users", "preferences")
    op.drop_column("users", "subject")
    op.drop_column("users", "issuer")
    op.drop_column("users", "company")
    op.drop_column("users", "job_title")
    op.drop_column("users", "name")
    op.drop_column("users", "email")
    op.drop_column("users", "is_active")
    op.drop_column("recordings", "audio_deleted_at")
    op.drop_column("recordings", "deletion_exempt")
    op.drop_column("recordings", "prompt_variables")
    op.drop_column("recordings", "folder_id")
    op.drop_column("participants", "listed")
    op.drop_column("participants", "speaker_id")
    op.drop_column("jobs", "kind")
    op.drop_column("api_tokens", "scopes")
    op.drop_table("recording_voices")
    op.drop_table("recording_tags")
    op.drop_table("calendar_events")
    op.drop_table("webhook_deliveries")
    op.drop_table("voice_profiles")
    op.drop_table("webhooks")
    op.drop_table("usage")
    op.drop_table("transcript_templates")
    op.drop_table("tags")
    op.drop_table("speakers")
    op.drop_table("idempotency_keys")
    op.drop_table("group_members")
    op.drop_table("folders")
    op.drop_table("recording_counts")
    op.drop_table("rate_limits")
    op.drop_table("groups")
