"""What the tables are made of: names of constraints, and columns that many of them have."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Double,
    FetchedValue,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Text,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def id_column() -> Column[int]:
    # An identity column never hands out a number twice, also after deletes: clients key on ids.
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def moment(name: str, *, nullable: bool = True, default: FetchedValue | None = None) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def created() -> Column[datetime]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def owner() -> Column[int]:
    return Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


def group(*, nullable: bool) -> Column[int]:
    return Column("group_id", BigInteger, ForeignKey("groups.id", ondelete="CASCADE"), nullable=nullable)


def recording(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "recording_id",
        BigInteger,
        ForeignKey("recordings.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


def embedding() -> Column[Any]:
    # Where the extension is there, the migrations make it a `vector`, which takes and gives the same numbers.
    return Column("embedding", ARRAY(Double), nullable=False)


def defaults() -> tuple[Column[Any], ...]:
    """What a tag or a folder says for recordings that leave it open."""
    return (
        Column("custom_prompt", Text),
        Column("default_language", Text),
        Column("default_min_speakers", Integer),
        Column("default_max_speakers", Integer),
        Column("default_hotwords", Text),
        Column("default_initial_prompt", Text),
        Column("default_transcription_model", Text),
    )
