"""What the Modal stand-in answers: the calls of Modal's gRPC protocol that a deployment, `spawn`, `remote`, `cancel`
and a container need. The protocol is Modal's own affair: modal is pinned to the version this was made for.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from grpclib.server import Stream
from modal_proto import api_pb2

from infra.local.modal_work import TASK_HEADER, Input, Pool, Result, label, log

_APP = "ap-1"
_CLIENT = str(api_pb2.CLIENT_TYPE_CLIENT)

Answer = Callable[[Any, str], Awaitable[Message]]


class ModalRpc:
    """One app in one environment. Methods are calls of the protocol; any other call is answered UNIMPLEMENTED.

    `most` bounds the containers of a function. `blobs_url` has to be set before the first call.
    """

    def __init__(self, url: str, token: tuple[str, str], most: int) -> None:
        self.blobs_url = ""
        self._url = url
        self.pools: dict[str, Pool] = {}
        self._token = token
        self._most = most
        self._app = ""
        self._layout = api_pb2.AppLayout()
        self._handles: dict[str, api_pb2.FunctionHandleMetadata] = {}
        self._calls: dict[str, tuple[Pool, Input]] = {}
        self._blobs: dict[str, bytes] = {}
        self._count = 0

    def __mapping__(self) -> Mapping[str, Handler]:
        """For grpclib."""
        service = api_pb2.DESCRIPTOR.services_by_name["ModalClient"]
        return {
            f"/{service.full_name}/{method.name}": Handler(
                self._handler(method.name),
                Cardinality.UNARY_UNARY,
                GetMessageClass(method.input_type),
                GetMessageClass(method.output_type),
            )
            for method in service.methods
        }

    def _handler(self, name: str) -> Callable[[Stream[Any, Any]], Awaitable[None]]:
        answer: Answer | None = getattr(self, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), None)

        async def handle(stream: Stream[Any, Any]) -> None:
            request = await stream.recv_message()
            if answer is None:
                raise GRPCError(Status.UNIMPLEMENTED, f"The stand-in does not know {name}.")
            sent = stream.metadata or {}
            token = sent.get("x-modal-token-id"), sent.get("x-modal-token-secret")
            if sent.get("x-modal-client-type") == _CLIENT and token != self._token:
                raise GRPCError(Status.UNAUTHENTICATED, "This token is not known here.")
            await stream.send_message(await answer(request, str(sent.get(TASK_HEADER, ""))))

        return handle

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count:06}"

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self.pools.values()))

    # A deployment. Images, mounts, secrets and volumes are only names here: the containers run where the stand-in runs.

    async def client_hello(self, _request: Empty, _task: str) -> Message:
        return api_pb2.ClientHelloResponse()

    async def auth_token_get(self, _request: Message, _task: str) -> Message:
        payload = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 3600}).encode()).decode()
        return api_pb2.AuthTokenGetResponse(token=f"e30.{payload}.e30")

    async def environment_get_or_create(self, request: api_pb2.EnvironmentGetOrCreateRequest, _task: str) -> Message:
        settings = api_pb2.EnvironmentSettings(image_builder_version="2025.06")
        metadata = api_pb2.EnvironmentMetadata(name=request.deployment_name or "main", settings=settings)
        return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-1", metadata=metadata)

    async def app_get_by_deployment_name(self, _request: Message, _task: str) -> Message:
        return api_pb2.AppGetByDeploymentNameResponse(app_id=_APP if self.pools else "")

    async def app_get_layout(self, _request: Message, _task: str) -> Message:
        return api_pb2.AppGetLayoutResponse(app_layout=self._layout)

    async def app_create(self, _request: Message, _task: str) -> Message:
        return api_pb2.AppCreateResponse(app_id=_APP, app_page_url=self._url)

    async def app_heartbeat(self, _request: Message, _task: str) -> Message:
        return Empty()

    async def app_client_disconnect(self, _request: Message, _task: str) -> Message:
        return Empty()

    async def secret_get_or_create(self, _request: Message, _task: str) -> Message:
        return api_pb2.SecretGetOrCreateResponse(secret_id=self._new("st"))

    async def volume_get_or_create(self, _request: Message, _task: str) -> Message:
        return api_pb2.VolumeGetOrCreateResponse(volume_id=self._new("vo"))

    async def mount_batched_check_existence(self, _request: Message, _task: str) -> Message:
        return api_pb2.MountBatchedCheckExistenceResponse()

    async def mount_get_or_create(self, _request: Message, _task: str) -> Message:
        return api_pb2.MountGetOrCreateResponse(mount_id=self._new("mo"))

    async def image_get_or_create(self, _request: Message, _task: str) -> Message:
        result = Result(status=Result.GENERIC_STATUS_SUCCESS)
        return api_pb2.ImageGetOrCreateResponse(image_id=self._new("im"), result=result)

    async def function_precreate(self, request: api_pb2.FunctionPrecreateRequest, _task: str) -> Message:
        function_id = request.existing_function_id or self._new("fu")
        self._handles[function_id] = _handle(request)
        return api_pb2.FunctionPrecreateResponse(function_id=function_id, handle_metadata=self._handles[function_id])

    async def function_create(self, request: api_pb2.FunctionCreateRequest, _task: str) -> Message:
        function = request.function
        if request.HasField("function_data"):
            function = request.function_data.ranked_functions[0].function
        function_id = request.existing_function_id
        handle = self._handles[function_id] = _handle(function)
        # What runs goes on with the code it has, as at Modal.
        self.pools.setdefault(function_id, Pool(function, self._most)).function = function
        return api_pb2.FunctionCreateResponse(
            function_id=function_id, function=function, function_data=_data(function), handle_metadata=handle
        )

    async def class_create(self, request: api_pb2.ClassCreateRequest, _task: str) -> Message:
        return api_pb2.ClassCreateResponse(class_id=request.existing_class_id or self._new("cs"))

    async def app_publish(self, request: api_pb2.AppPublishRequest, _task: str) -> Message:
        self._app = request.name
        layout = self._layout = api_pb2.AppLayout(function_ids=request.function_ids, class_ids=request.class_ids)
        for function_id, handle in self._handles.items():
            layout.objects.add(object_id=function_id, function_handle_metadata=handle)
        for class_id in request.class_ids.values():
            layout.objects.add(object_id=class_id, class_handle_metadata=api_pb2.ClassHandleMetadata())
        for dependency in {
            each.object_id for pool in self.pools.values() for each in pool.function.object_dependencies
        }:
            layout.objects.add(object_id=dependency)
        for function_id, pool in self.pools.items():
            pool.url = self._url
            pool.arguments = api_pb2.ContainerArguments(
                function_id=function_id, app_id=_APP, function_def=pool.function, app_layout=layout
            )
        log.info("the app %s is deployed", request.name)
        return api_pb2.AppPublishResponse(url=self._url, deployed_at=time.time())

    # Calling.

    async def function_get(self, request: api_pb2.FunctionGetRequest, _task: str) -> Message:
        function_id = self._layout.function_ids.get(request.object_tag)
        if function_id is None or request.app_name != self._app:
            raise GRPCError(Status.NOT_FOUND, f"No {request.app_name}.{request.object_tag} is deployed.")
        return api_pb2.FunctionGetResponse(
            function_id=function_id,
            handle_metadata=self._handles[function_id],
            function=_data(self.pools[function_id].function),
        )

    async def function_map(self, request: api_pb2.FunctionMapRequest, _task: str) -> Message:
        pool, item = self.pools[request.function_id], request.pipelined_inputs[0]
        call = self._new("fc")
        new = Input(
            self._new("in"), call, item, request.function_call_invocation_type, label(pool.function, item.input)
        )
        self._calls[call] = pool, new
        spawned = new.invocation == api_pb2.FUNCTION_CALL_INVOCATION_TYPE_ASYNC
        log.info("%s %s %s", new.label, call, "spawned" if spawned else "called")
        pool.put(new)
        accepted = api_pb2.FunctionPutInputsResponseItem(idx=item.idx, input_id=new.id)
        return api_pb2.FunctionMapResponse(function_call_id=call, pipelined_inputs=[accepted])

    async def function_get_outputs(self, request: api_pb2.FunctionGetOutputsRequest, _task: str) -> Message:
        _, item = self._called(request.function_call_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(item.done.wait(), request.timeout)
        outputs = [item.output] if item.output else []
        return api_pb2.FunctionGetOutputsResponse(outputs=outputs, num_unfinished_inputs=1 - len(outputs))

    async def function_call_cancel(self, request: api_pb2.FunctionCallCancelRequest, _task: str) -> Message:
        pool, item = self._called(request.function_call_id)
        if item.output is None:
            pool.cancel(item, terminate=request.terminate_containers)
        return Empty()

    def _called(self, call: str) -> tuple[Pool, Input]:
        if call not in self._calls:
            raise GRPCError(Status.NOT_FOUND, f"There is no function call {call}.")
        return self._calls[call]

    # Containers.

    async def container_hello(self, _request: Empty, _task: str) -> Message:
        return Empty()

    async def container_heartbeat(self, _request: Message, task: str) -> Message:
        container = self._pool(task).containers[task]
        cancelled, container.cancelled = container.cancelled, []
        if not cancelled:
            return api_pb2.ContainerHeartbeatResponse()
        return api_pb2.ContainerHeartbeatResponse(cancel_input_event=api_pb2.CancelInputEvent(input_ids=cancelled))

    async def function_get_inputs(self, _request: Message, task: str) -> Message:
        item = await self._pool(task).take(task)
        given = api_pb2.FunctionGetInputsItem(
            input_id=item.id,
            input=item.item.input,
            function_call_id=item.call,
            function_call_invocation_type=item.invocation,
            retry_count=item.retries,
        )
        return api_pb2.FunctionGetInputsResponse(inputs=[given])

    async def function_put_outputs(self, request: api_pb2.FunctionPutOutputsRequest, task: str) -> Message:
        for output in request.outputs:
            self._pool(task).put_output(task, output)
        return Empty()

    async def task_result(self, request: api_pb2.TaskResultRequest, task: str) -> Message:
        self._pool(task).note_trouble(task, request.result.exception)
        return Empty()

    async def volume_reload(self, _request: Message, _task: str) -> Message:
        return Empty()

    async def volume_commit(self, _request: Message, _task: str) -> Message:
        return api_pb2.VolumeCommitResponse()

    def _pool(self, task: str) -> Pool:
        for pool in self.pools.values():
            if task in pool.containers:
                return pool
        raise GRPCError(Status.NOT_FOUND, f"There is no container {task} any more.")

    # What is too large for a message goes over HTTP, as to S3.

    async def blob_create(self, _request: Message, _task: str) -> Message:
        blob = self._new("bl")
        urls = api_pb2.UploadUrlList(items=[f"{self.blobs_url}/{blob}"])
        return api_pb2.BlobCreateResponse(blob_ids=[blob], upload_urls=urls)

    async def blob_get(self, request: api_pb2.BlobGetRequest, _task: str) -> Message:
        return api_pb2.BlobGetResponse(download_url=f"{self.blobs_url}/{request.blob_id}")

    def blobs(self) -> web.Application:
        app = web.Application(client_max_size=2**30)
        app.router.add_put("/{blob}", self._put_blob)
        app.router.add_get("/{blob}", self._give_blob)
        return app

    async def _put_blob(self, request: web.Request) -> web.Response:
        data = self._blobs[request.match_info["blob"]] = await request.read()
        return web.Response(headers={"ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'})

    async def _give_blob(self, request: web.Request) -> web.Response:
        return web.Response(body=self._blobs[request.match_info["blob"]])


def _handle(function: Any) -> api_pb2.FunctionHandleMetadata:
    """The handle of a function, or of a class with its methods, from its definition."""
    return api_pb2.FunctionHandleMetadata(
        function_name=function.function_name,
        function_type=function.function_type,
        definition_id="de-1",
        function_schema=function.function_schema,
        supported_input_formats=function.supported_input_formats,
        supported_output_formats=function.supported_output_formats,
        method_handle_metadata={
            name: api_pb2.FunctionHandleMetadata(
                function_name=method.function_name,
                function_type=method.function_type,
                is_method=True,
                use_method_name=name,
                function_schema=method.function_schema,
                supported_input_formats=method.supported_input_formats,
                supported_output_formats=method.supported_output_formats,
            )
            for name, method in function.method_definitions.items()
        },
        app_id=_APP,
    )


def _data(function: api_pb2.Function) -> api_pb2.FunctionData:
    return api_pb2.FunctionData(
        function_name=function.function_name,
        function_type=function.function_type,
        is_class=function.is_class,
        ranked_functions=[api_pb2.FunctionData.RankedFunction(function=function)],
    )
