"""The task/report protocol as JSON, the same at both ends, and domain objects as rows keep them.

pydantic is imported at the first use: it is a third of the cold start of a function that may never need it.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from shared.domain.errors import Invalid
from shared.domain.jobs import JobState
from shared.domain.tasks import PROTOCOL_VERSION, Beginning, Report, TranscribeTask, TranscriptPage
from shared.domain.transcripts import SliceResult

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_T = TypeVar("_T")


@cache
def _adapter(kind: type[_T]) -> "TypeAdapter[_T]":
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(kind)


def _read(kind: type[_T], name: str, data: bytes | str) -> _T:
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return _adapter(kind).validate_json(data)
    except ValidationError as error:
        raise Invalid(f"This is not {name}: {error.error_count()} fields are wrong.") from error


def to_plain(value: object) -> Any:
    """A domain object as what JSON knows."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_plain(kind: type[_T], data: Any) -> _T:
    """What `to_plain` has made of a `kind`."""
    return _adapter(kind).validate_python(data)


def task_to_json(task: TranscribeTask) -> bytes:
    return _adapter(TranscribeTask).dump_json(task)


def task_from_json(data: bytes | str) -> TranscribeTask:
    """Raises Invalid for what is not a task, or one of a later protocol."""
    task = _read(TranscribeTask, "a task", data)
    if task.version > PROTOCOL_VERSION:
        raise Invalid(f"The task speaks protocol {task.version}; this worker speaks {PROTOCOL_VERSION}.")
    return task


def beginning_to_json(beginning: Beginning) -> bytes:
    return _adapter(Beginning).dump_json(beginning)


def beginning_from_json(data: bytes | str) -> Beginning:
    """Raises Invalid."""
    return _read(Beginning, "the beginning of an attempt", data)


def report_to_json(report: Report) -> bytes:
    return _adapter(Report).dump_json(report)


def report_from_json(data: bytes | str) -> Report:
    """Raises Invalid."""
    return _read(Report, "a report", data)


def state_to_json(state: JobState) -> bytes:
    return _adapter(JobState).dump_json(state)


def state_from_json(data: bytes | str) -> JobState:
    """Raises Invalid."""
    return _read(JobState, "the state of a job", data)


def slice_to_json(result: SliceResult) -> bytes:
    return _adapter(SliceResult).dump_json(result)


def slice_from_json(data: bytes | str) -> SliceResult:
    """Raises Invalid."""
    return _read(SliceResult, "a finished slice", data)


def page_to_json(page: TranscriptPage) -> bytes:
    return _adapter(TranscriptPage).dump_json(page)


def page_from_json(data: bytes | str) -> TranscriptPage:
    """Raises Invalid."""
    return _read(TranscriptPage, "a page of a transcript", data)
