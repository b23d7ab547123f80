"""How long a Lambda container takes to start, against what `import fastapi` alone takes on the same machine."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.structure.test_imports import CLOUD, DATABASE, SPEECH, WEB, imported_by

ROOT = Path(__file__).parents[2]
TRIGGERS = sorted(path.stem for path in (ROOT / "functions" / "aws").glob("*.py") if path.stem != "__init__")
_RUNS = 5


@cache
def seconds(*modules: str) -> float:
    """The fastest of a few fresh interpreters."""
    program = (
        f"import time; begun = time.perf_counter(); import {', '.join(modules)}; print(time.perf_counter() - begun)"
    )
    command = [sys.executable, "-c", program]
    return min(float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout) for _ in range(_RUNS))


def ratio(*modules: str) -> float:
    return seconds(*modules) / seconds("fastapi")


def test_there_are_triggers() -> None:
    assert {"launch_jobs", "job_reports", "uploads_completed", "websocket", "sweep", "migrate"} <= set(TRIGGERS)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_starts_sooner_than_fastapi_alone(trigger: str) -> None:
    assert ratio(f"functions.aws.{trigger}") <= 1.0


def test_the_api_starts_within_twice_fastapi() -> None:
    assert ratio("api.lambda_handler") <= 2.0


def test_what_the_first_request_imports_stays_within_bounds_too() -> None:
    """The start is short because imports wait for the first request; these bounds keep that from hiding growth."""
    assert ratio("functions.aws.job_reports", "shared.services.reports", "shared.wiring.cloud") <= 2.0
    # Nearly eighty routes with their shapes, and the database.
    assert ratio("api.lambda_handler", "api.app", "shared.wiring.cloud") <= 3.5


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_drags_in_nothing_heavy(trigger: str) -> None:
    assert imported_by(f"functions.aws.{trigger}") & {*SPEECH, *WEB, *CLOUD, *DATABASE} == set()


@pytest.mark.parametrize("modules", ["api.lambda_handler, api.app, shared.wiring.cloud", "shared.services.sweep"])
def test_nor_does_what_the_first_request_imports(modules: str) -> None:
    assert imported_by(modules) & {*SPEECH, *CLOUD} == set()
