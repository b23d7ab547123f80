"""`hansard doctor`: is anything left over, or missing?"""
# ruff: noqa: PLC0415 - commands import what only they need

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli_options import DataDir, read_settings

if TYPE_CHECKING:
    from shared.services.doctor import Finding

app = typer.Typer()

_SHOWN = 10


@app.command()
def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Delete objects that belong to nothing, and count anew what is miscounted.")
    ] = False,
    data: DataDir = None,
) -> None:
    """Prove that rows and objects agree: one line per check. Ends with 1 if one fails.

    It may run while the server works.
    """
    from shared.services import doctor as service
    from shared.wiring import operator

    with operator.core(read_settings(data)) as core:
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
