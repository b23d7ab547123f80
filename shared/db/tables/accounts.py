"""Users, groups, tokens, and what is counted and kept per user."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    DefaultClause,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables.base import created, group, id_column, metadata, moment, owner

# One row, made with the schema.
installation = Table(
    "installation",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
)


users = Table(
    "users",
    metadata,
    id_column(),
    Column("username", Text, nullable=False, unique=True),
    Column("is_admin", Boolean, nullable=False, server_default=text("false")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("email", Text),
    Column("name", Text),
    Column("job_title", Text),
    Column("company", Text),
    # Who vouches for the user, and under which name: for those who come with a token of an identity provider.
    Column("issuer", Text),
    Column("subject", Text),
    Column("preferences", JSONB, nullable=False, server_default=text("'{}'")),
    Column("monthly_token_budget", BigInteger),
    Column("monthly_transcription_seconds", BigInteger),
    created(),
    Index("users_issuer_subject_key", "issuer", "subject", unique=True),
)


groups = Table(
    "groups",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    created(),
)


group_members = Table(
    "group_members",
    metadata,
    group(nullable=False),
    owner(),
    Column("role", Text, nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("group_id", "user_id"),
    CheckConstraint("role IN ('member', 'admin')", name="role"),
    Index(None, "user_id"),
)


api_tokens = Table(
    "api_tokens",
    metadata,
    id_column(),
    owner(),
    Column("name", Text, nullable=False),
    # SHA-256 of the token, hexadecimal: 32 random bytes need no slow hash.
    Column("token_hash", Text, nullable=False, unique=True),
    # NULL: everything its owner may do.
    Column("scopes", ARRAY(Text)),
    created(),
    moment("last_used_at"),
    moment("expires_at"),
    Index(None, "user_id"),
)


transcript_templates = Table(
    "transcript_templates",
    metadata,
    id_column(),
    owner(),
    Column("name", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("description", Text),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    created(),
    moment("updated_at", nullable=False, default=DefaultClause(func.now())),
    UniqueConstraint("user_id", "name"),
    Index("transcript_templates_default_key", "user_id", unique=True, postgresql_where=text("is_default")),
)


# What a user has used on a day (UTC).
usage = Table(
    "usage",
    metadata,
    owner(),
    Column("day", Date, nullable=False),
    Column("transcription_seconds", Double, nullable=False, server_default=text("0")),
    Column("tokens", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("user_id", "day"),
)


# Requests of a caller in the window that began at `since`. Unlogged: a crash starts the windows anew.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("caller", Text, nullable=False),
    Column("kind", Text, nullable=False),
    moment("since", nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("caller", "kind"),
    Index(None, "since"),
    prefixes=["UNLOGGED"],
)


# What an Idempotency-Key has led to: the id of a recording or job, or an answer that is kept whole.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    owner(),
    Column("key", Text, nullable=False),
    # What was asked for; the same key for something else is a mistake.
    Column("purpose", Text, nullable=False),
    Column("reference", BigInteger),
    Column("answer", JSONB),
    created(),
    PrimaryKeyConstraint("user_id", "key"),
    Index(None, "created_at"),
)
