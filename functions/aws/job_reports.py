"""HTTPS from the GPU side: beginnings, reports, finished slices and transcripts, each with the token of its task."""

import base64
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from functions.aws.runtime import Answer, Event, core
from shared.dialects.http_status import status_of
from shared.domain.errors import HansardError, Invalid, NotFound
from shared.wire import beginning_from_json, page_to_json, report_from_json, slice_to_json, state_to_json

if TYPE_CHECKING:
    from shared.services.core import Core

logger = logging.getLogger("hansard.aws")

_PATH = re.compile(r"/jobs/(\d{1,18})(/attempts|/transcript|/slices/(\d{1,9}))?")
_POSITION = re.compile(r"-1|\d{1,9}")


def handler(event: Event, _: Any) -> Answer:
    try:
        return _answer(200, _handle(core(), event))
    except HansardError as error:
        logger.info("%s: %s", event["rawPath"], error)
        return _answer(status_of(error), json.dumps({"detail": str(error)}).encode())


def _handle(job_core: "Core", event: Event) -> bytes:
    from shared.services import attempts

    found = _PATH.fullmatch(event["rawPath"])
    if found is None:
        raise NotFound("There is nothing at this address.")
    job_id, method = int(found[1]), event["requestContext"]["http"]["method"]
    attempts.check_worker(job_core, job_id, event["headers"].get("authorization", ""))
    match method, found[2], found[3]:
        case "POST", None, None:
            return _record(job_core, job_id, _body(event))
        case "POST", "/attempts", None:
            return state_to_json(attempts.begin(job_core, job_id, beginning_from_json(_body(event))))
        case "GET", "/transcript", None:
            return page_to_json(attempts.transcript_page(job_core, job_id, _after(event)))
        case "GET", _, str(index):
            return slice_to_json(attempts.finished_slice(job_core, job_id, int(index)))
    raise NotFound("There is nothing at this address.")


def _record(job_core: "Core", job_id: int, body: bytes) -> bytes:
    from shared.services import reports

    report = report_from_json(body)
    if report.job_id != job_id:
        raise Invalid("The report belongs to another job.")
    return json.dumps({"go_on": reports.record(job_core, report)}).encode()


def _after(event: Event) -> int:
    after = (event.get("queryStringParameters") or {}).get("after", "-1")
    if not _POSITION.fullmatch(after):
        raise Invalid("after has to be the position of a segment.")
    return int(after)


def _body(event: Event) -> bytes:
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _answer(status: int, body: bytes) -> Answer:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": body.decode()}
