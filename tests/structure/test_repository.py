"""Promises about the repository itself."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def packages_of(extra: str) -> set[str]:
    """What an extra asks for by name, with the extras that it takes in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: set[str] = set()
    for requirement in project["optional-dependencies"][extra]:
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement).groups()
        inner = extras.split(",") if name == "hansard" else []
        found |= set().union(*map(packages_of, inner)) if inner else {name}
    return found


def test_the_lambda_bundle_carries_no_speech_library() -> None:
    assert packages_of("aws") & {"av", "faster-whisper", "numpy", "pocketsphinx", "pyannote.audio", "scipy"} == set()


def test_the_gpu_images_carry_no_web_framework_and_no_database() -> None:
    carried = packages_of("gpu") | packages_of("pyannote") | packages_of("embedded")
    assert "faster-whisper" in carried
    assert carried & {"fastapi", "mangum", "sqlalchemy", "psycopg", "uvicorn"} == set()


def test_the_lock_files_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)
        assert "--hash=sha256:" in text
    assert "://" not in (ROOT / "infra" / "package-lock.json").read_text()


def test_the_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "run"} <= commands <= targets


def test_the_links_of_the_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_no_file_names_a_place_on_one_machine() -> None:
    places = [f"{ROOT}/", f"{Path.home()}/"]
    arguments = [argument for place in places if len(place) > 2 for argument in ("-e", place)]
    found = subprocess.run(
        ["git", "grep", "-nIF", *arguments, "--", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
