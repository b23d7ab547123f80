"""`hansard import speakr`: recordings of a live Speakr, or of another Hansard, become recordings of this one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.domain.errors import Invalid
from shared.domain.imports import Kind, Outcome, Step
from shared.services import imports
from shared.services.accounts import LOCAL_OWNER
from shared.services.imports import Survey, Target
from shared.wiring.imports import SpeakrClient, target
from shared.wiring.settings import Settings

_COLORS = {Outcome.BROUGHT: "green", Outcome.THERE: "dim", Outcome.LEFT: "yellow"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of the command."""

    url: str
    token: str
    user: str | None
    dry_run: bool


def run(settings: Settings, wishes: Wishes, console: Console) -> int:
    """Returns the exit code: 1 if something was left out. Raises what `imports.bring` does."""
    if wishes.user is None and settings.auth == "required":
        raise Invalid("This server has accounts: say who is to own the recordings, with --user NAME.")
    client = SpeakrClient(wishes.url, wishes.token, waiting=lambda seconds: _tell_wait(console, seconds))
    with closing(client):
        with console.status(f"Looking at {escape(client.name)} …"):
            survey = imports.look(client)
        with target(settings) as here:
            counts = _follow(_steps(here, client, survey, wishes), len(survey.recordings), console)
    left = sum(count for (_, outcome), count in counts.items() if outcome is Outcome.LEFT)
    if wishes.dry_run:
        console.print("Nothing was changed. Without --dry-run, what is counted as brought would come.")
        return 0
    if left:
        console.print("Run the same command again for what was left out.")
    return 1 if left else 0


def _steps(here: Target, client: SpeakrClient, survey: Survey, wishes: Wishes) -> Iterator[Step]:
    name = wishes.user or LOCAL_OWNER
    if wishes.dry_run:
        return imports.preview(here.db, client, survey, name)
    owner = imports.ensure_owner(here.db, name, is_admin=wishes.user is None)
    return imports.bring(here, client, owner, survey)


def _tell_wait(console: Console, seconds: float) -> None:
    console.print(f"The other server wants fewer calls: going on in {seconds:g} s.", style="dim")


def _follow(steps: Iterator[Step], total: int, console: Console) -> Counter[tuple[Kind, Outcome]]:
    """One line for each thing that is not here yet, and a table at the end, also where an error ends it."""
    counts: Counter[tuple[Kind, Outcome]] = Counter()
    seen = 0
    try:
        for step in steps:
            counts[step.kind, step.outcome] += 1
            seen += step.kind is Kind.RECORDING
            if step.outcome is not Outcome.THERE or step.note:
                console.print(_line(step, f"{seen}/{total} " if step.kind is Kind.RECORDING else ""), highlight=False)
    finally:
        console.print(_table(counts))
    return counts


def _line(step: Step, place: str) -> str:
    said = f"[{_COLORS[step.outcome]}]{step.outcome.value}[/]"
    return f"{place}{step.kind.value} {escape(step.name)}: {said}" + (f". {escape(step.note)}" if step.note else "")


def _table(counts: Counter[tuple[Kind, Outcome]]) -> Table:
    table = Table("", *(outcome.value for outcome in Outcome))
    for kind in Kind:
        table.add_row(f"{kind.value}s", *(str(counts[kind, outcome]) for outcome in Outcome))
    return table
