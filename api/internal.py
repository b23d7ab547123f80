"""What workers and the folder store need of this process: reports of jobs, and objects by signed address."""

import contextlib
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse

from api.callers import CoreOf
from shared.adapters.folder_store import FolderStore
from shared.domain.errors import Invalid, NotFound, TooLarge
from shared.ports import ObjectWriter
from shared.services import attempts, reports, uploads
from shared.services.core import Core
from shared.wire import beginning_from_json, page_to_json, report_from_json, slice_to_json, state_to_json

router = APIRouter(include_in_schema=False)

Authorization = Annotated[str, Header()]


@router.post("/jobs/{job_id}/attempts")
async def begin_attempt(job_id: int, request: Request, core: CoreOf, authorization: Authorization = "") -> Response:
    attempts.check_worker(core, job_id, authorization)
    beginning = beginning_from_json(await request.body())
    state = await run_in_threadpool(attempts.begin, core, job_id, beginning)
    return Response(state_to_json(state), media_type="application/json")


@router.get("/jobs/{job_id}/slices/{index}")
def job_slice(job_id: int, index: int, core: CoreOf, authorization: Authorization = "") -> Response:
    attempts.check_worker(core, job_id, authorization)
    return Response(slice_to_json(attempts.finished_slice(core, job_id, index)), media_type="application/json")


@router.get("/jobs/{job_id}/transcript")
def job_transcript(job_id: int, core: CoreOf, after: int = -1, authorization: Authorization = "") -> Response:
    attempts.check_worker(core, job_id, authorization)
    return Response(page_to_json(attempts.transcript_page(core, job_id, after)), media_type="application/json")


@router.post("/jobs/{job_id}")
async def job_report(job_id: int, request: Request, core: CoreOf, authorization: Authorization = "") -> dict[str, bool]:
    attempts.check_worker(core, job_id, authorization)
    report = report_from_json(await request.body())
    if report.job_id != job_id:
        raise Invalid("The report belongs to another job.")
    return {"go_on": await run_in_threadpool(reports.record, core, report)}


@router.get("/objects/{key:path}")
def read_object(key: str, request: Request, core: CoreOf) -> Response:
    store = _folder_store(core)
    bound = store.check("GET", key, request.query_params)
    path = store.path(key)
    if path is None:
        raise NotFound("There is no such object.")
    headers = {"Content-Disposition": bound["disposition"]} if "disposition" in bound else {}
    return FileResponse(path, media_type=bound.get("type", "application/octet-stream"), headers=headers)


@router.put("/objects/{key:path}", status_code=204)
async def write_object(key: str, request: Request, core: CoreOf) -> None:
    store = _folder_store(core)
    bound = store.check("PUT", key, request.query_params)
    if "type" in bound and request.headers.get("content-type", "") != bound["type"]:
        raise Invalid(f"This address takes {bound['type']} only.")
    writer = await run_in_threadpool(_writer, store, key, bound)
    try:
        await _receive(request, writer, int(bound["size"]))
        await run_in_threadpool(writer.commit)
    except ClientDisconnect as error:
        await run_in_threadpool(writer.abort)
        raise Invalid("The upload broke off.") from error
    except BaseException:
        await run_in_threadpool(writer.abort)
        raise
    if "part" not in bound:
        await run_in_threadpool(_tell, core, key)


def _writer(store: FolderStore, key: str, bound: Mapping[str, str]) -> ObjectWriter:
    return store.create_part(bound["upload"], int(bound["part"])) if "part" in bound else store.create(key)


async def _receive(request: Request, writer: ObjectWriter, size: int) -> None:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > size:
            raise TooLarge(f"This address takes {size} bytes.")
        await run_in_threadpool(writer.write, chunk)
    if received != size:
        raise Invalid(f"This address takes {size} bytes, not {received}.")


def _tell(core: Core, key: str) -> None:
    """What S3 says with an event."""
    with contextlib.suppress(NotFound):
        uploads.arrived(core, key)


def _folder_store(core: Core) -> FolderStore:
    if not isinstance(core.objects, FolderStore):
        raise NotFound("Objects are not kept here.")
    return core.objects
