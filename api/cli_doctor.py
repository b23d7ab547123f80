"""`hansard doctor`: is anything left over, or missing?"""
# ruff: noqa: PLC0415 - commands import what only they need

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.wiring.settings import default_data_dir

if TYPE_CHECKING:
    from shared.services.doctor import Finding

app = typer.Typer()

_SHOWN = 10


@app.command()
def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Delete objects that belong to nothing, and count anew what is miscounted.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help=f"Where database and audio live.  [default: {default_data_dir()}]"),
    ] = None,
) -> None:
    """Prove that rows and objects agree: one line per check. Ends with 1 if one fails.

    It may run while the server works.
    """
    from api import cli  # which includes this module
    from shared.services import doctor as service
    from shared.wiring import operator

    with operator.core(cli._settings(data)) as core:
        findings = service.examine(core)
        if fix:
            service.fix(core, findings)
            findings = service.examine(core)
    wrong = {finding.what: finding for finding in findings}
    for check in service.CHECKS:
        typer.echo(_line(wrong[check]) if check in wrong else f"ok     no {check}")
    sys.exit(1 if findings else 0)


def _line(finding: "Finding") -> str:
    shown = ", ".join(finding.ids[:_SHOWN]) + (", …" if len(finding.ids) > _SHOWN else "")
    return f"WRONG  {len(finding.ids)} {finding.what}: {shown}" + ("   (--fix)" if finding.fixable else "")
