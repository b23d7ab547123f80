"""`hansard transcribe`: the pipeline in this process, its reports on the terminal."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from functions.gpu import pipeline
from shared.domain import tasks
from shared.domain.errors import Invalid
from shared.domain.exports import as_srt, as_text, as_vtt
from shared.domain.languages import normalize_language
from shared.domain.recordings import SpeakerNames, check_speaker_bounds
from shared.domain.tasks import Checkpoint, ReportBody, TranscribeOptions, TranscribeTask
from shared.domain.transcripts import Segment
from shared.wiring.gpu import engines
from shared.wiring.settings import Settings

_RENDER = {"text": as_text, "srt": as_srt, "vtt": as_vtt}
_EXTENSION = {"text": "txt", "srt": "srt", "vtt": "vtt", "json": "json"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of the command, as they were typed."""

    format: str
    language: str | None
    speakers: str | None
    output: Path | None


@dataclass(slots=True)
class Collected:
    """Takes the place of a server: keeps what is reported and moves a progress bar."""

    bar: Progress
    task: Any
    segments: list[Segment] = field(default_factory=list)
    started: tasks.Started | None = None
    completed: tasks.Completed | None = None
    failed: tasks.Failed | None = None

    def checkpoint(self) -> Checkpoint:
        return Checkpoint()

    def send(self, body: ReportBody) -> None:
        match body:
            case tasks.Started():
                self.started = body
            case tasks.Progress():
                self.bar.update(self.task, completed=min(99.0, body.fraction * 100))
            case tasks.SegmentsReady():
                self.segments += body.segments
            case tasks.Completed():
                self.completed = body
                self.bar.update(self.task, completed=100)
            case tasks.Failed():
                self.failed = body
            case _:
                pass


def run(settings: Settings, files: Sequence[Path], wishes: Wishes, console: Console) -> int:
    """Transcribes one file after the other. Returns the exit code: 1 if any of them failed."""
    options = _options(wishes)
    _check_output(files, wishes)
    failed = 0
    for file in files:
        with _progress(console) as bar:
            done = _transcribe(settings, file, options, bar)
        if done.completed is None:
            reason = done.failed.reason if done.failed else "no result"
            console.print(f"[red]{file.name}:[/red] {reason}", highlight=False)
            failed += 1
            continue
        for warning in done.completed.warnings:
            console.print(f"[yellow]{file.name}:[/yellow] {warning}", highlight=False)
        _write(_rendered(done, wishes.format), _destination(file, wishes), console)
    return 1 if failed else 0


def _transcribe(settings: Settings, file: Path, options: TranscribeOptions, bar: Progress) -> Collected:
    collected = Collected(bar, bar.add_task(file.name, total=100))
    if not file.is_file():
        collected.failed = tasks.Failed("There is no such file.")
        return collected
    task = TranscribeTask(0, 1, str(file), "", "", options)
    pipeline.run(task, collected, engines(settings, settings.workers))
    return collected


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _options(wishes: Wishes) -> TranscribeOptions:
    least, most = _speakers(wishes.speakers)
    options = TranscribeOptions(
        language=normalize_language(wishes.language),
        min_speakers=least,
        max_speakers=most,
        summarize=wishes.format == "json",
    )
    check_speaker_bounds(options)
    return options


def _speakers(wish: str | None) -> tuple[int | None, int | None]:
    """The bounds of `3` or `2-4`."""
    if wish is None:
        return None, None
    found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", wish.strip())
    if found is None:
        raise Invalid("--speakers takes a number such as 3, or a range such as 2-4.")
    return int(found[1]), int(found[2] or found[1])


def _check_output(files: Sequence[Path], wishes: Wishes) -> None:
    if wishes.output is not None and len(files) > 1 and not wishes.output.is_dir():
        raise Invalid("With several files --output has to be a folder that exists.")
    if wishes.output is not None and not wishes.output.parent.is_dir():
        raise Invalid(f"{wishes.output} cannot be written: there is no such folder.")
    destinations = [_destination(file, wishes) for file in files] if wishes.output is not None else []
    if len(set(destinations)) < len(destinations):
        raise Invalid("Two of the files would be written to the same place: their names differ only in the ending.")


def _rendered(done: Collected, form: str) -> str:
    names = SpeakerNames()
    if form in _RENDER:
        text = _RENDER[form](done.segments, names)
        return text if text.endswith("\n") or not text else f"{text}\n"
    assert done.completed is not None and done.started is not None
    document = {
        "duration": done.started.duration,
        "language": done.completed.language,
        "model": done.started.model,
        "warnings": done.completed.warnings,
        "summary": None if done.completed.summary is None else asdict(done.completed.summary),
        "segments": [{**asdict(segment), "speaker": names(segment.speaker)} for segment in done.segments],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _destination(file: Path, wishes: Wishes) -> Path | None:
    if wishes.output is None or not wishes.output.is_dir():
        return wishes.output
    return wishes.output / f"{file.stem}.{_EXTENSION[wishes.format]}"


def _write(text: str, destination: Path | None, console: Console) -> None:
    """A file is written whole or not at all."""
    if destination is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    unfinished = destination.with_name(f".{destination.name}.new")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.rename(destination)
    except OSError as error:
        raise Invalid(f"{destination} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    console.print(f"{destination}", highlight=False)
