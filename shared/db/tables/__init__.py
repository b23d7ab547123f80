"""The tables, as the migrations leave them (a test compares the two)."""

from shared.db.tables.accounts import (
    api_tokens,
    group_members,
    groups,
    idempotency_keys,
    installation,
    rate_limits,
    transcript_templates,
    usage,
    users,
)
from shared.db.tables.base import metadata
from shared.db.tables.jobs import connections, events, jobs, segments, slices
from shared.db.tables.recordings import (
    calendar_events,
    folders,
    imports,
    object_deletions,
    recording_counts,
    recording_tags,
    recordings,
    tags,
    uploads,
)
from shared.db.tables.speakers import participants, recording_voices, speakers, voice_profiles
from shared.db.tables.webhooks import webhook_deliveries, webhooks

__all__ = [
    "api_tokens",
    "calendar_events",
    "connections",
    "events",
    "folders",
    "group_members",
    "groups",
    "idempotency_keys",
    "imports",
    "installation",
    "jobs",
    "metadata",
    "object_deletions",
    "participants",
    "rate_limits",
    "recording_counts",
    "recording_tags",
    "recording_voices",
    "recordings",
    "segments",
    "slices",
    "speakers",
    "tags",
    "transcript_templates",
    "uploads",
    "usage",
    "users",
    "voice_profiles",
    "webhook_deliveries",
    "webhooks",
]
