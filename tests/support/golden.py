"""Snapshots of JSON answers: what changes from run to run is replaced by its kind, the rest is compared by the word."""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "dialects" / "golden"

_KINDS = (
    ("time Z", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")),
    ("uuid", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
)
#: Numbers that depend on the run; all others are part of the answer.
_NUMBERS = re.compile(
    r"(^|_)(id|seconds|duration|size|seq|timestamp|start|end|start_time|end_time|total\w*|progress|chunk|confidence)$"
)
#: What engines write: its wording is theirs, not the dialect's.
_WORDS = re.compile(r"(sentence|content|text|summary|transcription|key_points|title|display|version|assignee)$")


def normalised(value: Any, name: str = "") -> Any:
    """Lists keep their first item: the shape of one is the shape of all."""
    if isinstance(value, dict):
        return {key: normalised(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [normalised(each, name) for each in value[:1]]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return f"<{type(value).__name__}>" if _NUMBERS.search(name) else value
    for kind, grammar in _KINDS:
        if grammar.fullmatch(value):
            return f"<{kind}>"
    if name == "message":
        return re.sub(r"\d+", "N", value)
    return "<text>" if _WORDS.search(name) else value


def check(name: str, found: Any, *, update: bool) -> None:
    """Compares `found` with the snapshot of that name, or writes it when `update`."""
    path = FOLDER / f"{name}.json"
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"no snapshot {name}: python -m pytest tests/dialects --update-golden"
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} says something else. If the change is meant: python -m pytest tests/dialects --update-golden"
    )
