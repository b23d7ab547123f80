"""What workers and the folder store need of this process: reports of jobs, and objects by signed address."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse

from api.callers import CoreOf
from shared.adapters.folder_store import FolderStore
from shared.domain.errors import Invalid, NotFound, TooLarge, Unauthenticated
from shared.services import jobs, reports
from shared.services.core import Core
from shared.wire import report_from_json, slice_to_json, state_to_json

router = APIRouter(include_in_schema=False)

Authorization = Annotated[str, Header()]


@router.get("/jobs/{job_id}")
def job_state(job_id: int, core: CoreOf, authorization: Authorization = "") -> Response:
    _check_task_token(core, job_id, authorization)
    return Response(state_to_json(jobs.state(core, job_id)), media_type="application/json")


@router.get("/jobs/{job_id}/slices/{index}")
def job_slice(job_id: int, index: int, core: CoreOf, authorization: Authorization = "") -> Response:
    _check_task_token(core, job_id, authorization)
    return Response(slice_to_json(jobs.finished_slice(core, job_id, index)), media_type="application/json")


@router.post("/jobs/{job_id}")
async def job_report(job_id: int, request: Request, core: CoreOf, authorization: Authorization = "") -> dict[str, bool]:
    _check_task_token(core, job_id, authorization)
    report = report_from_json(await request.body())
    if report.job_id != job_id:
        raise Invalid("The report belongs to another job.")
    return {"go_on": await run_in_threadpool(reports.record, core, report)}


def _check_task_token(core: Core, job_id: int, authorization: str) -> None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("This needs the token of the task.")
    core.task_tokens.verify(token.strip(), job_id)


@router.get("/objects/{key:path}")
def read_object(key: str, core: CoreOf, expires: str = "", signature: str = "") -> Response:
    path = _folder_store(core, "GET", key, expires, signature).path(key)
    if path is None:
        raise NotFound("There is no such object.")
    return FileResponse(path, media_type="application/octet-stream")


@router.put("/objects/{key:path}", status_code=204)
async def write_object(key: str, request: Request, core: CoreOf, expires: str = "", signature: str = "") -> None:
    store = _folder_store(core, "PUT", key, expires, signature)
    writer = await run_in_threadpool(store.create, key)
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > core.limits.upload_bytes:
                raise TooLarge("The object is larger than an upload may be.")
            await run_in_threadpool(writer.write, chunk)
        await run_in_threadpool(writer.commit)
    except ClientDisconnect as error:
        await run_in_threadpool(writer.abort)
        raise Invalid("The upload broke off.") from error
    except BaseException:
        await run_in_threadpool(writer.abort)
        raise


def _folder_store(core: Core, method: str, key: str, expires: str, signature: str) -> FolderStore:
    if not isinstance(core.objects, FolderStore):
        raise NotFound("Objects are not kept here.")
    core.objects.check(method, key, expires, signature)
    return core.objects
