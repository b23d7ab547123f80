"""Webhooks and their deliveries."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DefaultClause,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from shared.db.tables.base import created, id_column, metadata, moment, owner

webhooks = Table(
    "webhooks",
    metadata,
    id_column(),
    owner(),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("allow_http", Boolean, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("auto_paused", Boolean, nullable=False, server_default=text("false")),
    # When a paused webhook is tried again.
    moment("trial_at"),
    Column("consecutive_failures", Integer, nullable=False, server_default=text("0")),
    Column("secret", Text, nullable=False),
    # Signs, too, until then: whoever verifies has time to learn the new one.
    Column("old_secret", Text),
    moment("old_secret_until"),
    created(),
    moment("updated_at", nullable=False, default=DefaultClause(func.now())),
    moment("last_delivery_at"),
    Index(None, "user_id"),
)


# A due row is the outbox: whoever claims it (`lease_until`) sends it.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    id_column(),
    Column("webhook_id", BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    # The very text that is signed and sent.
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'pending'")),
    Column("attempt_count", Integer, nullable=False, server_default=text("0")),
    # When it is sent next; NULL when it has ended.
    moment("next_at"),
    moment("lease_until"),
    Column("response_status", Integer),
    Column("response_body_preview", Text),
    Column("error_message", Text),
    created(),
    moment("delivered_at"),
    CheckConstraint("status IN ('pending', 'success', 'failed', 'permanent_failure')", name="status"),
    Index(None, "webhook_id", "id"),
    Index("webhook_deliveries_due_idx", "webhook_id", "next_at", "id", postgresql_where=text("next_at IS NOT NULL")),
    # For what is old, whether it has ended or not.
    Index(None, "created_at"),
)
