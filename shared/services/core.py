"""What a use case works with. `shared.wiring` builds one Core per process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.db.database import Database
from shared.domain.limits import Limits
from shared.domain.policy import Policy
from shared.domain.transcripts import AudioInfo
from shared.ports import (
    IdentityTokens,
    JobLauncher,
    Kicks,
    LanguageModel,
    LiveUpdates,
    ObjectStore,
    TaskTokens,
    WebhookKicks,
    WebhookSender,
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Core:
    """`callback_url` is where workers reach the reports of a job: it ends in `/` and the job's id follows.

    `probe` opens a media file and says what it is (raising Invalid); None where no media library is at hand: then
    the worker finds out. `identity` is None where no identity provider is set, `language_model` where none is.
    """

    db: Database
    objects: ObjectStore
    launcher: JobLauncher
    kicks: Kicks
    live: LiveUpdates
    task_tokens: TaskTokens
    webhook_kicks: WebhookKicks
    webhook_sender: WebhookSender
    callback_url: str
    probe: Callable[[str], AudioInfo] | None = None
    identity: IdentityTokens | None = None
    language_model: LanguageModel | None = None
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=Policy)
    now: Callable[[], datetime] = _now
