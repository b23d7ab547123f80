"""Settings have one place of truth, and the documentation agrees with it."""

import re
from pathlib import Path

from shared.wiring.modal_settings import ModalSettings
from shared.wiring.settings import Settings

ROOT = Path(__file__).parents[2]


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `(HANSARD_\w+)` \|[^|]*\| (.*) \|$", (ROOT / "docs" / "settings.md").read_text(), re.M)
    return dict(rows)


def test_every_setting_is_documented_and_nothing_else() -> None:
    fields = {**ModalSettings.model_fields, **Settings.model_fields}
    assert documented() == {f"HANSARD_{name.upper()}": field.description for name, field in fields.items()}


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for package in ("api", "functions", "shared")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    ]
    assert readers == ["shared/wiring/settings.py"]
