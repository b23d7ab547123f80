"""serverless.yml as osls makes CloudFormation of it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
OSLS = ROOT / "infra" / "node_modules" / ".bin" / "osls"


class Template:
    """A packaged CloudFormation template."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "cloudformation-template-update-stack.json"
        self.whole = json.loads(self.file.read_text())
        self.resources: dict[str, Any] = self.whole["Resources"]

    def of(self, kind: str) -> dict[str, Any]:
        """Properties by logical id."""
        return {name: it["Properties"] for name, it in self.resources.items() if it["Type"] == f"AWS::{kind}"}

    def functions(self) -> dict[str, Any]:
        """Properties by the name that serverless.yml gives."""
        found = self.of("Lambda::Function").values()
        return {it["FunctionName"].removeprefix("hansard-prod-"): it for it in found}

    def queue_of(self, source: Any) -> Any:
        """The queue that an attribute such as `!GetAtt JobsQueue.Arn` belongs to."""
        name, attribute = source["Fn::GetAtt"]
        assert attribute == "Arn"
        return self.of("SQS::Queue")[name]


def packaged(folder: Path, *arguments: str) -> Template:
    """Stage `prod`, with an empty bundle; `arguments` go to osls."""
    artifact = folder / "hansard.zip"
    with zipfile.ZipFile(artifact, "w") as file:
        file.writestr("empty.py", "")
    out = folder / "out"
    command = [str(OSLS), "package", "--stage", "prod", "--package", str(out), "--param", f"artifact={artifact}"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True, capture_output=True)
    return Template(out)
