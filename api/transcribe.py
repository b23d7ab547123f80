"""`hansard transcribe`: the pipeline in this process, its reports on the terminal."""

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from functions.gpu import pipeline
from shared.adapters.memory_reports import MemoryReports
from shared.domain.errors import Invalid
from shared.domain.exports import as_srt, as_text, as_vtt
from shared.domain.languages import normalize_language
from shared.domain.recordings import SpeakerNames, check_speaker_bounds
from shared.domain.tasks import Failed, TranscribeOptions, TranscribeTask
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


def run(settings: Settings, files: Sequence[Path], wishes: Wishes, console: Console) -> int:
    """Transcribes one file after the other. Returns the exit code: 1 if any of them failed."""
    options = _options(wishes, settings.slice_seconds)
    _check_output(files, wishes)
    failed = 0
    for file in files:
        with _progress(console) as bar:
            done = _transcribe(settings, file, options, bar)
        if done.completed is None:
            reason = done.failed.reason if done.failed else "no result"
            console.print(f"[red]{escape(file.name)}:[/red] {escape(reason)}", highlight=False)
            failed += 1
            continue
        for warning in done.completed.warnings:
            console.print(f"[yellow]{escape(file.name)}:[/yellow] {escape(warning)}", highlight=False)
        _write(_rendered(done, wishes.format), _destination(file, wishes), console)
    return 1 if failed else 0


def _transcribe(settings: Settings, file: Path, options: TranscribeOptions, bar: Progress) -> MemoryReports:
    line = bar.add_task(file.name, total=1.0)
    reports = MemoryReports(lambda fraction: bar.update(line, completed=fraction))
    if not file.is_file():
        reports.failed = Failed("There is no such file.")
        return reports
    task = TranscribeTask(0, 1, str(file), "", "", options)
    pipeline.run(task, reports, engines(settings, settings.workers))
    return reports


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _options(wishes: Wishes, slice_seconds: float | None) -> TranscribeOptions:
    least, most = _speakers(wishes.speakers)
    options = TranscribeOptions(
        language=normalize_language(wishes.language),
        min_speakers=least,
        max_speakers=most,
        summarize=wishes.format == "json",
        slice_seconds=slice_seconds,
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


def _rendered(done: MemoryReports, form: str) -> str:
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
    console.print(escape(str(destination)), highlight=False)
