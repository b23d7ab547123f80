"""The task/report protocol as JSON, the same at both ends. No web framework and no database in sight."""

from pydantic import TypeAdapter, ValidationError

from shared.domain.errors import Invalid
from shared.domain.jobs import JobState
from shared.domain.tasks import PROTOCOL_VERSION, Report, TranscribeTask
from shared.domain.transcripts import SliceResult

_task = TypeAdapter(TranscribeTask)
_report = TypeAdapter(Report)
_state = TypeAdapter(JobState)
_slice = TypeAdapter(SliceResult)


def task_to_json(task: TranscribeTask) -> bytes:
    return _task.dump_json(task)


def task_from_json(data: bytes | str) -> TranscribeTask:
    """Raises Invalid for what is not a task, or one of a later protocol."""
    try:
        task = _task.validate_json(data)
    except ValidationError as error:
        raise Invalid(f"This is not a task: {error.error_count()} fields are wrong.") from error
    if task.version > PROTOCOL_VERSION:
        raise Invalid(f"The task speaks protocol {task.version}; this worker speaks {PROTOCOL_VERSION}.")
    return task


def report_to_json(report: Report) -> bytes:
    return _report.dump_json(report)


def report_from_json(data: bytes | str) -> Report:
    """Raises Invalid."""
    try:
        return _report.validate_json(data)
    except ValidationError as error:
        raise Invalid(f"This is not a report: {error.error_count()} fields are wrong.") from error


def state_to_json(state: JobState) -> bytes:
    return _state.dump_json(state)


def slice_to_json(result: SliceResult) -> bytes:
    return _slice.dump_json(result)


def slice_from_json(data: bytes | str) -> SliceResult:
    """Raises Invalid."""
    try:
        return _slice.validate_json(data)
    except ValidationError as error:
        raise Invalid(f"This is not a finished slice: {error.error_count()} fields are wrong.") from error


def state_from_json(data: bytes | str) -> JobState:
    """Raises Invalid."""
    try:
        return _state.validate_json(data)
    except ValidationError as error:
        raise Invalid(f"This is not the state of a job: {error.error_count()} fields are wrong.") from error
