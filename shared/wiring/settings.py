"""Every setting, and the only reading of the environment. docs/settings.md lists them (a test compares the two)."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.limits import Limits
from shared.domain.policy import Policy, RetentionMode


def default_data_dir() -> Path:
    """Where a user's data goes.

    Root gets a place outside its home: the embedded Postgres opens the folders above its own to other users.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/hansard")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "hansard"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "hansard"


class Settings(BaseSettings):
    """Read from `HANSARD_*`; a field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="HANSARD_", extra="ignore")

    auth: Literal["none", "required"] = Field(
        default="none", description="`none`: everybody who reaches the server is its owner. `required`: API tokens."
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="Where database, audio and secrets live.")
    database_url: str | None = Field(
        default=None, description="A `postgresql://` address; without it an embedded Postgres."
    )
    public_url: str | None = Field(
        default=None, description="The address clients see, if it is not the one that is bound."
    )
    engine: str = Field(default="auto", description="Speech to text: `auto`, `faster-whisper` or `pocketsphinx`.")
    model: str | None = Field(default=None, description="The speech model: a name such as `base`, or a folder.")
    llm_url: str | None = Field(default=None, description="An OpenAI-compatible server that writes the summaries.")
    llm_key: str | None = Field(default=None, description="The key for that server.")
    llm_model: str | None = Field(default=None, description="The model to ask that server for.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Speech processes at once."
    )
    max_upload_mb: int = Field(default=1000, ge=1, description="The largest upload, in MiB.")
    max_audio_hours: float = Field(default=24.0, gt=0, description="The longest recording, in hours.")
    slice_seconds: float | None = Field(
        default=None, ge=1, description="The length of a slice; else what the engine likes."
    )
    lease_seconds: int = Field(default=120, ge=1, description="How long a silent worker keeps its job.")
    max_attempts: int = Field(
        default=5, ge=1, description="Attempts in a row without a finished slice before a job fails."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    worker_url: str | None = Field(
        default=None, description="A `hansard worker` on another machine that does the speech work."
    )
    worker_token: str | None = Field(default=None, description="The token that this worker and its callers share.")
    callback_url: str | None = Field(
        default=None, description="The address at which workers reach this server, without a path."
    )
    jwt_secret: str | None = Field(default=None, description="Accept JWTs signed with this secret (HS256).")
    jwt_public_key: str | None = Field(default=None, description="Accept JWTs signed with this key (RS256, PEM).")
    jwks_url: str | None = Field(default=None, description="Accept JWTs signed with a key found here (RS256, JWKS).")
    jwt_issuer: str | None = Field(default=None, description="The issuer that such tokens have to name (`iss`).")
    jwt_audience: str | None = Field(default=None, description="The audience that such tokens have to name (`aud`).")
    language: str | None = Field(default=None, description="The language of recordings that leave it open.")
    min_speakers: int | None = Field(default=None, ge=1, description="The least number of speakers, where it is open.")
    max_speakers: int | None = Field(default=None, ge=1, description="The greatest number of speakers, likewise.")
    enable_folders: bool = Field(default=False, description="Whether there are folders.")
    users_can_delete: bool = Field(default=True, description="Whether users who are no administrators may delete.")
    cost_per_hour: float = Field(default=0.36, ge=0, description="What an hour of audio costs, for the estimates.")
    auto_deletion: bool = Field(default=False, description="Whether old recordings are deleted by themselves.")
    retention_days: int | None = Field(
        default=None, ge=1, description="Days after which they are, unless their folder or a tag says otherwise."
    )
    retention_mode: RetentionMode = Field(
        default=RetentionMode.RECORDING, description="What is deleted then: `recording`, or `audio` alone."
    )
    webhooks: bool = Field(default=True, description="Whether webhooks are sent.")
    webhooks_per_user: int = Field(default=10, ge=0, description="How many webhooks a user may have.")
    webhook_allowlist: str | None = Field(
        default=None, description="A regular expression over host names: webhooks may go there, also by http."
    )
    webhook_retention_days: int = Field(
        default=30, ge=1, description="Days after which deliveries that have ended are forgotten."
    )
    proxy_hops: int = Field(
        default=0, ge=0, le=10, description="How many proxies stand in front and add to X-Forwarded-For."
    )
    max_jobs: int = Field(default=50, ge=1, description="In the cloud: how many recordings are worked on at once.")
    secrets_path: str | None = Field(
        default=None, description="In the cloud: the SSM parameters below this path are settings, too."
    )
    secret: str | None = Field(default=None, description="In the cloud: signs the tokens of tasks; 32 random bytes.")
    bucket: str | None = Field(default=None, description="In the cloud: the S3 bucket that keeps the audio.")
    jobs_queue_url: str | None = Field(default=None, description="In the cloud: the SQS queue of kicks.")
    live_queue_url: str | None = Field(default=None, description="In the cloud: the SQS queue of live updates.")
    webhooks_queue_url: str | None = Field(default=None, description="In the cloud: the SQS queue of webhooks.")
    connections_url: str | None = Field(
        default=None, description="In the cloud: where API Gateway takes messages for WebSocket connections."
    )
    modal_app: str | None = Field(default=None, description="In the cloud: the Modal app that does the speech work.")
    modal_environment: str | None = Field(default=None, description="The Modal environment of that app.")
    modal_token_id: str | None = Field(default=None, description="With the next one: the Modal token.")
    modal_token_secret: str | None = Field(default=None, description="The secret of the Modal token.")

    def limits(self) -> Limits:
        return Limits(
            upload_bytes=self.max_upload_mb * 1024 * 1024,
            audio_seconds=self.max_audio_hours * 3600,
            lease_seconds=self.lease_seconds,
            max_attempts=self.max_attempts,
            slice_seconds=self.slice_seconds,
        )

    def policy(self) -> Policy:
        return Policy(
            folders=self.enable_folders,
            users_can_delete=self.users_can_delete,
            engine=self.engine,
            model=self.model,
            language=self.language,
            min_speakers=self.min_speakers,
            max_speakers=self.max_speakers,
            cost_per_hour=self.cost_per_hour,
            # Whoever owns the machine need not be kept from it.
            rate_limits=self.auth == "required",
            auto_deletion=self.auto_deletion,
            retention_days=self.retention_days,
            retention_mode=self.retention_mode,
            webhooks=self.webhooks,
            webhooks_per_user=self.webhooks_per_user,
            webhook_retention=timedelta(days=self.webhook_retention_days),
        )
