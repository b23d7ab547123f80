"""Who speaks: people, what they sound like, and who takes part in a recording."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.db.tables.base import created, embedding, id_column, metadata, moment, owner, recording

speakers = Table(
    "speakers",
    metadata,
    id_column(),
    owner(),
    Column("name", Text, nullable=False),
    Column("use_count", Integer, nullable=False, server_default=text("0")),
    moment("last_used_at"),
    created(),
    UniqueConstraint("user_id", "name"),
)


# What a person sounds like. Vectors of different kinds (engines) are never compared.
voice_profiles = Table(
    "voice_profiles",
    metadata,
    Column("speaker_id", BigInteger, ForeignKey("speakers.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    embedding(),
    Column("samples", Integer, nullable=False),
    # Of the last samples to what the profile was before each, 0..1.
    Column("similarities", ARRAY(Double), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("speaker_id", "kind"),
)


# What each label of a transcript sounds like.
recording_voices = Table(
    "recording_voices",
    metadata,
    recording(),
    Column("speaker", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    embedding(),
    PrimaryKeyConstraint("recording_id", "speaker"),
)


participants = Table(
    "participants",
    metadata,
    id_column(),
    recording(),
    Column("name", Text, nullable=False),
    Column("speaker", Integer),
    Column("speaker_id", BigInteger, ForeignKey("speakers.id", ondelete="SET NULL")),
    # Whether the list of participants names it; a label may be named without being in the list.
    Column("listed", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("recording_id", "speaker"),
    Index(None, "speaker_id"),
)
