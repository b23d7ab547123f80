"""On AWS: Postgres by its address, audio in S3, kicks and live updates by SQS, speech work on Modal or a worker."""

from dataclasses import replace
from functools import cache

from shared.adapters.gateway_connections import GatewayConnections
from shared.adapters.http_launcher import HttpLauncher
from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.modal_launcher import ModalLauncher
from shared.adapters.s3_store import S3Store
from shared.adapters.sqs_kicks import SqsKicks
from shared.adapters.sqs_launcher import SqsLauncher
from shared.adapters.sqs_live import SqsLiveUpdates
from shared.adapters.sqs_webhook_kicks import SqsWebhookKicks
from shared.adapters.ssm_secrets import read
from shared.adapters.task_tokens import JwtTaskTokens
from shared.db.database import Database
from shared.domain.errors import Invalid
from shared.ports import JobLauncher
from shared.services.core import Core
from shared.wiring.identity import identity
from shared.wiring.language import web_model
from shared.wiring.settings import Settings

#: API Gateway and Lambda pass on 6 MB, of which base64 leaves this much.
_REQUEST_BYTES = 4_500_000
#: A container that starts cold has loaded its model by then.
_LAUNCH_SECONDS = 600


@cache
def settings() -> Settings:
    """The environment, and the secrets that it names. Raises Unavailable."""
    found = Settings()
    return Settings(**read(found.secrets_path)) if found.secrets_path else found  # type: ignore[arg-type]


@cache
def core() -> Core:
    """Made once per container. It starts no speech work: that is left to the function with `launching_core`."""
    limits = replace(
        settings().limits(),
        request_bytes=_REQUEST_BYTES,
        launch_seconds=_LAUNCH_SECONDS,
        running_jobs=settings().max_jobs,
    )
    return Core(
        db=Database(database_url(), pool_size=1),
        objects=S3Store(_needed("bucket")),
        launcher=SqsLauncher(_needed("jobs_queue_url")),
        kicks=SqsKicks(_needed("jobs_queue_url")),
        live=live(),
        task_tokens=JwtTaskTokens(_needed("secret")),
        webhook_kicks=SqsWebhookKicks(_needed("webhooks_queue_url")),
        webhook_sender=HttpWebhookSender(settings().webhook_allowlist),
        callback_url=f"{_needed('callback_url').rstrip('/')}/jobs/",
        identity=identity(settings()),
        language_model=web_model(settings()),
        limits=limits,
        policy=settings().policy(),
    )


@cache
def launching_core() -> Core:
    """The same, and it starts work: on the worker that is set, else on Modal."""
    return replace(core(), launcher=_launcher(settings()))


def database_url() -> str:
    return _needed("database_url")


@cache
def live() -> SqsLiveUpdates:
    return SqsLiveUpdates(_needed("live_queue_url"))


@cache
def connections() -> GatewayConnections:
    return GatewayConnections(_needed("connections_url"))


def _launcher(where: Settings) -> JobLauncher:
    if where.worker_url:
        return HttpLauncher(where.worker_url, where.worker_token)
    return ModalLauncher(_needed("modal_app"), where.modal_environment, where.modal_token_id, where.modal_token_secret)


def _needed(name: str) -> str:
    """Raises Invalid when the deployment has left a setting out."""
    value = getattr(settings(), name)
    if not value:
        raise Invalid(f"HANSARD_{name.upper()} is not set.")
    return value
