"""What the commands of an operator need beside a server that may be running: its database and its audio."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.http_webhooks import HttpWebhookSender
from shared.adapters.local_kicks import LocalKicks
from shared.adapters.local_live import LocalLiveUpdates
from shared.adapters.local_webhooks import LocalWebhooks
from shared.adapters.process_launcher import ProcessLauncher
from shared.adapters.task_tokens import JwtTaskTokens
from shared.services.core import Core
from shared.wiring.imports import target
from shared.wiring.settings import Settings
from shared.wiring.worker import WORKER_COMMAND


@contextmanager
def core(settings: Settings) -> Iterator[Core]:
    """Starts nothing, and tells nobody at once: the server's sweep finds what there is to do, and the workers of
    recordings that are gone are turned away at their next report.

    Raises Unavailable, and Invalid when the audio in the data folder is not that of the database.
    """
    with target(settings) as there:
        yield Core(
            db=there.db,
            objects=there.objects,
            launcher=ProcessLauncher(WORKER_COMMAND, 0),
            kicks=LocalKicks(),
            live=LocalLiveUpdates(),
            task_tokens=JwtTaskTokens(""),
            webhook_kicks=LocalWebhooks(),
            webhook_sender=HttpWebhookSender(),
            callback_url="",
            limits=settings.limits(),
            policy=settings.policy(),
        )
