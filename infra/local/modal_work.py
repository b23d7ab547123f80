"""The workings of the Modal stand-in: inputs, and the containers that work them off.

All of it happens in one event loop. As at Modal, an input whose container dies is given to a new one.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modal._serialization import deserialize_data_format
from modal_proto import api_pb2

from shared.domain.transcripts import Slice

log = logging.getLogger("hansard.modal")

ROOT = Path(__file__).parents[2]
#: Containers that end so often in a row without having asked for work will never do any.
FALSE_STARTS = 3
HEARTBEAT_SECONDS = "0.5"
#: The header by which the stand-in knows which container asks.
TASK_HEADER = "x-hansard-task"

Result = api_pb2.GenericResult


@dataclass(eq=False)
class Input:
    """One set of arguments on its way to a result; `output` is None until that is there for good."""

    id: str
    call: str
    item: api_pb2.FunctionPutInputsItem
    invocation: "api_pb2.FunctionCallInvocationType.ValueType"
    label: str
    retries: int = 0
    cancelled: bool = False
    output: api_pb2.FunctionGetOutputsItem | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def end(
        self, result: Result, data_format: "api_pb2.DataFormat.ValueType" = api_pb2.DATA_FORMAT_UNSPECIFIED
    ) -> None:
        self.output = api_pb2.FunctionGetOutputsItem(
            result=result, idx=self.item.idx, input_id=self.id, data_format=data_format, retry_count=self.retries
        )
        self.done.set()


@dataclass(eq=False)
class Container:
    """A process of its own, once `pid` is set. `cancelled` names inputs whose end it has not been told."""

    task: str
    name: str
    pid: int = 0
    at_work: list[Input] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    has_asked: bool = False

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.killpg(self.pid, signal.SIGKILL)


class Pool:
    """The containers of one function or class, at most `most`, and the inputs that wait for them."""

    def __init__(self, function: api_pb2.Function, most: int) -> None:
        self.function = function
        self.name = function.function_name.removesuffix(".*")
        self.containers: dict[str, Container] = {}
        #: What a new container is told, and where it finds the stand-in.
        self.arguments = api_pb2.ContainerArguments()
        self.url = ""
        self._most = min(most, function.concurrency_limit or most)
        self._waiting: deque[Input] = deque()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._false_starts = 0
        self._trouble = "The container does not start."
        self._closing = False

    async def close(self) -> None:
        self._closing = True
        while self._tasks:
            for container in self.containers.values():
                container.kill()
            await asyncio.wait(self._tasks, timeout=0.1)

    def put(self, item: Input) -> None:
        self._waiting.append(item)
        self._scale()

    async def take(self, task: str) -> Input:
        """The next input for the container `task`, when there is one."""
        container = self.containers[task]
        container.has_asked = True
        self._false_starts = 0
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        item = self._waiting.popleft()
        container.at_work.append(item)
        log.info("%s begins in container %s", item.label, container.pid)
        return item

    def put_output(self, task: str, output: api_pb2.FunctionPutOutputsItem) -> None:
        container, policy = self.containers[task], self.function.retry_policy
        item = next(each for each in container.at_work if each.id == output.input_id)
        container.at_work.remove(item)
        if output.result.status != Result.GENERIC_STATUS_FAILURE:
            cancelled = output.result.status == Result.GENERIC_STATUS_TERMINATED
            log.info("%s %s", item.label, "has stopped" if cancelled else "is done")
            item.end(output.result, output.data_format)
        elif item.retries < policy.retries and not item.cancelled:
            delay = policy.initial_delay_ms / 1000 * policy.backoff_coefficient**item.retries
            item.retries += 1
            log.info("%s has failed: %s; again in %.1f s", item.label, output.result.exception, delay)
            asyncio.get_running_loop().call_later(delay, self.put, item)
        else:
            log.info("%s has failed: %s", item.label, output.result.exception)
            item.end(output.result, output.data_format)

    def cancel(self, item: Input, *, terminate: bool) -> None:
        log.info("%s is cancelled", item.label)
        item.cancelled = True
        if item in self._waiting:
            self._waiting.remove(item)
            item.end(Result(status=Result.GENERIC_STATUS_TERMINATED))
        for container in self.containers.values():
            if item in container.at_work and terminate:
                container.kill()
            elif item in container.at_work:
                container.cancelled.append(item.id)

    def note_trouble(self, task: str, reason: str) -> None:
        """A container tells why it ends before its time."""
        log.warning("%s: container %s: %s", self.name, self.containers[task].pid, reason)
        self._trouble = reason

    def _scale(self) -> None:
        self._news.set()
        free = sum(not container.at_work for container in self.containers.values())
        while len(self._waiting) > free and len(self.containers) < self._most and not self._closing:
            container = Container(f"ta-{self.name}-{os.urandom(4).hex()}", self.name)
            self.containers[container.task] = container
            self._begin(self._run(container))
            free += 1

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, container: Container) -> None:
        """One container from its start to its end, whoever ends it."""
        self.arguments.task_id = container.task
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.arguments.SerializeToString())
            file.flush()
            command = [sys.executable, "-m", "infra.local.modal_container"]
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env=self._environment(container.task, file.name),
                stdin=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            container.pid = process.pid
            log.info("%s: container %s starts", self.name, container.pid)
            code = await process.wait()
        container.kill()
        del self.containers[container.task]
        log.info("%s: container %s has ended with code %s", self.name, container.pid, code)
        self._false_starts += not container.has_asked
        for item in reversed(container.at_work):
            self._take_back(item)
        while self._waiting and self._false_starts >= FALSE_STARTS:
            self._waiting.popleft().end(Result(status=Result.GENERIC_STATUS_INIT_FAILURE, exception=self._trouble))
        self._scale()

    def _take_back(self, item: Input) -> None:
        if item.cancelled:
            item.end(Result(status=Result.GENERIC_STATUS_TERMINATED))
        else:
            log.info("%s starts again in another container", item.label)
            self._waiting.appendleft(item)

    def _environment(self, task: str, arguments: str) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("MODAL_")}
        return outer | {
            "MODAL_IS_REMOTE": "1",
            "MODAL_SERVER_URL": self.url,
            "MODAL_DISABLE_API_PROXY": "1",
            "MODAL_TASK_ID": task,
            "MODAL_CONTAINER_ARGUMENTS_PATH": arguments,
            "MODAL_HEARTBEAT_INTERVAL": HEARTBEAT_SECONDS,
            "MODAL_OVERRIDE_HEADERS": f"{TASK_HEADER}:{task}",
        }


def label(function: api_pb2.Function, item: api_pb2.FunctionInput) -> str:
    """What log lines call this input: `Transcriber.transcribe slice 2`."""
    name = function.function_name.removesuffix(".*") + (f".{item.method_name}" if item.method_name else "")
    if not item.args:
        return name
    arguments, _ = deserialize_data_format(item.args, item.data_format, None)
    return name + "".join(f" slice {argument.index}" for argument in arguments if isinstance(argument, Slice))
