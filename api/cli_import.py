"""`hansard import`: the words on the command line."""

import sys
from typing import Annotated

import typer

from api.cli_options import DataDir, errors, read_settings

app = typer.Typer(name="import", help="Bring recordings over from another server.", no_args_is_help=True)


@app.callback()
def servers() -> None:
    """Bring recordings over from another server."""


@app.command()
def speakr(
    url: Annotated[str, typer.Option(help="The other server's address, such as https://speakr.example.com.")],
    token: Annotated[str, typer.Option(help="An API token of the user over there; - reads it from standard input.")],
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who is to own the recordings here; made if new.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to bring over.")] = False,
    data: DataDir = None,
) -> None:
    """Bring over recordings with audio, transcripts, summaries, notes, tags, folders and speakers.

    Run it as often as you like, also while `hansard serve` runs: each run takes what is not here yet. Ends with 1 if
    something was left out.
    """
    # What other commands do without.
    from api import imports  # noqa: PLC0415

    wishes = imports.Wishes(url, sys.stdin.readline() if token == "-" else token, user, dry_run)  # noqa: S105
    sys.exit(imports.run(read_settings(data), wishes, errors))
