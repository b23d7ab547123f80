"""Launches tasks on Modal: each is one call of the function `process` of modal_app.py."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeTask
from shared.wire import task_to_json

if TYPE_CHECKING:
    from modal import Client, Function

logger = logging.getLogger("hansard.jobs")
T = TypeVar("T")

#: Modal queues by itself, a million calls of a function: what may run at once is for the service to say.
_ROOM = 1000
_COMPLAINT_CHARACTERS = 300


class ModalLauncher:
    """A JobLauncher. `app` and `environment` say where `process` is deployed (None: Modal's default environment).

    Without a token Modal's own settings apply: MODAL_TOKEN_ID and MODAL_TOKEN_SECRET, or its file in the home folder.
    Connections are made at the first use and kept. `patience` is how many seconds Modal may take to answer.
    """

    def __init__(
        self,
        app: str,
        environment: str | None,
        token_id: str | None,
        token_secret: str | None,
        *,
        patience: float = 10.0,
    ) -> None:
        self._app = app
        self._environment = environment
        self._token = (token_id, token_secret) if token_id and token_secret else None
        self._patience = patience
        self._connected: Client | None = None
        self._lock = threading.Lock()
        # Asked from threads of our own: modal warns whoever waits for it in a thread that runs an event loop, and it
        # tries for a minute to reach a server that is away, or one whose connection died while a Lambda was frozen.
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="modal")

    def close(self) -> None:
        """Lets go of the connection. What has been launched goes on."""
        self._threads.shutdown(wait=False)
        self._disconnect()

    def capacity(self) -> int:
        return _ROOM

    def launch(self, task: TranscribeTask) -> str:
        """Raises Unavailable. A task of more than 8 KiB (long hotwords) costs Modal a detour over its blob store."""
        return self._ask(lambda: self._process().spawn(task_to_json(task).decode()).object_id)

    def cancel(self, reference: str) -> None:
        """Not with force: `process` takes its slices back first, and its container stays for others.

        Modal that does not answer need not be told: the answer to the next report tells the worker to stop.
        """
        try:
            self._ask(lambda: self._cancel(reference))
        except Unavailable as error:
            logger.warning("call %s could not be cancelled: %s", reference, error)

    def _process(self) -> "Function":
        from modal import Function

        return Function.from_name(self._app, "process", environment_name=self._environment, client=self._client())

    def _cancel(self, reference: str) -> None:
        from modal import FunctionCall
        from modal.exception import NotFoundError

        try:
            FunctionCall.from_id(reference, self._client()).cancel()
        except NotFoundError:
            logger.info("Modal knows no call %s", reference)

    def _client(self) -> "Client":
        from modal import Client

        with self._lock:
            if self._connected is None:
                self._connected = Client.from_credentials(*self._token) if self._token else Client.from_env()
            return self._connected

    def _disconnect(self) -> None:
        # Whoever holds the lock is trying to connect: then there is nothing to let go of.
        if not self._lock.acquire(blocking=False):
            return
        client, self._connected = self._connected, None
        self._lock.release()
        if client is not None:
            # It waits for what is still on its way.
            threading.Thread(target=client.close, daemon=True).start()

    def _ask(self, question: Callable[[], T]) -> T:
        """Raises Unavailable. No cause is chained to it: a foreign error may quote the token."""
        from modal.exception import Error

        answer = self._threads.submit(question)
        try:
            return answer.result(self._patience)
        except TimeoutError:
            answer.cancel()
            self._disconnect()
            raise Unavailable("Modal cannot be reached, or does not answer in time.") from None
        except Error as error:
            raise Unavailable(self._reason(error)) from None

    def _reason(self, error: Exception) -> str:
        from modal import exception

        match error:
            case exception.AuthError() | exception.PermissionDeniedError():
                return "Modal does not accept the token: see HANSARD_MODAL_TOKEN_ID and HANSARD_MODAL_TOKEN_SECRET."
            case exception.NotFoundError():
                place = f"the environment {self._environment}" if self._environment else "its default environment"
                return f"Modal knows no app {self._app} in {place}: deploy it with `modal deploy modal_app.py`."
            case exception.ResourceExhaustedError():
                return "Modal takes no more work at the moment."
            case exception.ConnectionError() | exception.ServiceError():
                return f"Modal cannot be reached: {_short(error)}"
            case _:
                return f"Modal has trouble: {_short(error)}"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:_COMPLAINT_CHARACTERS] or type(error).__name__
