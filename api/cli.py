"""The `hansard` command."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from api import cli_accounts, cli_doctor, cli_import
from api.cli_options import DataDir, errors, read_settings
from shared.domain.errors import HansardError, Invalid

app = typer.Typer(
    name="hansard",
    help="Transcription that says who said what. Every setting can also be given as HANSARD_*.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(cli_import.app)
app.add_typer(cli_doctor.app)
app.add_typer(cli_accounts.users)
app.add_typer(cli_accounts.groups)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(metadata.version("hansard"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """What stands before the command."""


def main() -> None:
    """Runs the command; errors a person can do something about are one line, without a traceback."""
    try:
        app()
    except HansardError as error:
        errors.print(f"[red]hansard:[/red] {escape(str(error))}", highlight=False)
        sys.exit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 8000,
    data: DataDir = None,
) -> None:
    """Serve the API, with database, storage and speech engines, in one process.

    Without accounts (HANSARD_AUTH=none, the default) it listens on this machine only.
    """
    from api.server import serve as run

    settings = read_settings(data)
    if settings.auth == "none" and host not in ("127.0.0.1", "localhost", "::1"):
        raise Invalid(
            f"Without accounts everybody who reaches {host} would own everything. "
            "Set HANSARD_AUTH=required, make a token with `hansard token USER`, and serve again."
        )

    def ready(address: str) -> None:
        errors.print(f"Hansard answers at [bold]{address}[/bold]   (API page: {address}/api/v1/docs)", highlight=False)
        errors.print(f"Data in {settings.data_dir}. Ctrl-C stops.", highlight=False)

    run(settings, host, port, ready)


@app.command("transcribe")
def transcribe_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Audio or video files.")],
    format: Annotated[
        Literal["text", "srt", "vtt", "json"], typer.Option("--format", "-f", help="What to write.")
    ] = "text",
    language: Annotated[str | None, typer.Option("--language", "-l", help="ISO 639-1, such as en.")] = None,
    speakers: Annotated[
        str | None, typer.Option("--speakers", "-s", help="How many people speak: 3, or 2-4 for a range.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, or a folder for several; else standard output.")
    ] = None,
) -> None:
    """Transcribe files here and now, without a server."""
    from api import transcribe

    sys.exit(transcribe.run(read_settings(), files, transcribe.Wishes(format, language, speakers, output), errors))


@app.command()
def token(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's name; made if new.")],
    admin: Annotated[bool, typer.Option("--admin", help="Make the user an administrator.")] = False,
    scopes: Annotated[
        str | None, typer.Option(help="What it is good for, such as read,upload.  \\[default: everything]")
    ] = None,
    days: Annotated[int, typer.Option(min=0, max=36_500, help="For how many days; 0: for ever.")] = 0,
    name: Annotated[str, typer.Option(help="What lists of tokens call it.")] = "command line",
    data: DataDir = None,
) -> None:
    """Print a new API token for a user: alone on standard output, and never again."""
    from shared.services import accounts
    from shared.services.tokens import parse_scopes
    from shared.wiring.local import database

    wanted = None if scopes is None else parse_scopes([scope.strip() for scope in scopes.split(",")])
    with database(read_settings(data)) as db:
        print(accounts.issue_token(db, user, is_admin=admin, name=name, scopes=wanted, days=days))


@app.command()
def worker(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The address to listen on; port 0 takes a free one.")
    ] = "127.0.0.1:9000",
    processes: Annotated[
        int | None,
        typer.Option("--processes", "-p", min=1, max=256, help="How many at once.  \\[default: HANSARD_WORKERS]"),
    ] = None,
) -> None:
    """Do the speech work of a Hansard that is served elsewhere and names this machine as HANSARD_WORKER_URL.

    Without a token (HANSARD_WORKER_TOKEN) it listens on this machine only.
    """
    from api.worker_server import serve as run

    settings = read_settings()

    def ready(address: str, engine: str) -> None:
        errors.print(f"Worker answers at [bold]{address}[/bold], speech to text by {engine}. Ctrl-C stops.")

    run(settings, listen, processes or settings.workers, ready)


@app.command()
def migrate(data: DataDir = None) -> None:
    """Bring the database to this version's schema. `hansard serve` does it by itself."""
    from shared.wiring.local import database

    settings = read_settings(data)
    with database(settings):
        errors.print(
            f"The database in {'HANSARD_DATABASE_URL' if settings.database_url else settings.data_dir} is up to date."
        )


if __name__ == "__main__":
    main()
