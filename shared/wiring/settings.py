"""Every setting, and the only reading of the environment. docs/settings.md lists them (a test compares the two)."""

import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.limits import Limits


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
    max_jobs: int = Field(default=50, ge=1, description="In the cloud: how many recordings are worked on at once.")
    secrets_path: str | None = Field(
        default=None, description="In the cloud: the SSM parameters below this path are settings, too."
    )
    secret: str | None = Field(default=None, description="In the cloud: signs the tokens of tasks; 32 random bytes.")
    bucket: str | None = Field(default=None, description="In the cloud: the S3 bucket that keeps the audio.")
    jobs_queue_url: str | None = Field(default=None, description="In the cloud: the SQS queue of kicks.")
    live_queue_url: str | None = Field(default=None, description="In the cloud: the SQS queue of live updates.")
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
