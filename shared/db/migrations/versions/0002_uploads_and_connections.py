"""Uploads in parts, objects to delete, workers that take over, connections that outlive their recording"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
# The code of 0001 works on this schema, too.
step = "pre"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("recording", postgresql.JSONB(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('open', 'complete', 'used', 'aborted')", name=op.f("uploads_status_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("uploads_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("uploads_pkey")),
        sa.UniqueConstraint("key", name=op.f("uploads_key_key")),
    )
    op.create_index(op.f("uploads_user_id_idx"), "uploads", ["user_id"])
    op.create_index(op.f("uploads_check_at_idx"), "uploads", ["check_at"])
    op.create_table(
        "object_deletions",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("object_deletions_pkey")),
    )
    op.create_index(op.f("object_deletions_due_at_idx"), "object_deletions", ["due_at"])
    op.alter_column("recordings", "sha256", nullable=True)
    op.add_column("jobs", sa.Column("worker", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("launch_attempt", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE jobs SET launch_attempt = attempt")
    op.add_column("connections", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("connections_recording_id_fkey", "connections")


def downgrade() -> None:
    op.execute("DELETE FROM connections WHERE recording_id NOT IN (SELECT id FROM recordings)")
    op.create_foreign_key(
        "connections_recording_id_fkey", "connections", "recordings", ["recording_id"], ["id"], ondelete="CASCADE"
    )
    op.drop_column("connections", "sent_at")
    op.drop_column("jobs", "launch_attempt")
    op.drop_column("jobs", "worker")
    op.execute("UPDATE recordings SET sha256 = '' WHERE sha256 IS NULL")
    op.alter_column("recordings", "sha256", nullable=False)
    op.drop_table("object_deletions")
    op.drop_table("uploads")
