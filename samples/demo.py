"""`make demo`: starts a server, uploads the sample meeting, shows it being worked on and what comes back."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from websockets.sync.client import connect

MEETING = Path(__file__).with_name("meeting.flac")
console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="hansard-demo-") as folder, _server(Path(folder)) as address:
        console.print(f"Hansard answers at [bold]{address}[/bold]; its data is in {folder}")
        with httpx2.Client(base_url=address, timeout=60) as client:
            recording = _upload(client)
            if not _watch(address, recording["uuid"]):
                return 1
            _show(client, recording["id"])
            files = _export(client, recording["id"])
    console.print(f"\nSubtitles: {files[0]} and {files[1]}")
    console.print("To serve for yourself: [bold]make run[/bold], then open http://127.0.0.1:8000/api/v1/docs")
    return 0


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """A `hansard serve` on a free port, ended with the demo."""
    command = [sys.executable, "-m", "api", "serve", "--port", "0", "--data", str(folder / "data")]
    server = subprocess.Popen(command, cwd=MEETING.parents[1], stderr=subprocess.PIPE)
    try:
        yield _address(server)
    finally:
        server.terminate()
        server.wait(30)


def _address(server: "subprocess.Popen[bytes]") -> str:
    assert server.stderr is not None
    said = b""
    for line in server.stderr:
        said += line
        if found := re.search(rb"answers at (http://\S+)", line):
            return found[1].decode()
    raise SystemExit(f"The server did not start:\n{said.decode()}")


def _upload(client: httpx2.Client) -> dict[str, Any]:
    with MEETING.open("rb") as file:
        response = client.post(
            "/api/v1/recordings/upload", files={"file": (MEETING.name, file, "audio/flac")}, data={"language": "en"}
        )
    response.raise_for_status()
    recording = response.json()
    console.print(
        f"Uploaded {recording['original_filename']}: {recording['audio_duration']:.0f} s, "
        f"{recording['file_size'] / 1024:.0f} KiB, recording {recording['id']}\n"
    )
    return recording


def _watch(address: str, uuid: str) -> bool:
    """Shows the live updates until the last one; says whether the recording was completed."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    url = f"{address.replace('http', 'ws', 1)}/api/transcribe/live/{uuid}"
    with Progress(*columns, console=console) as bar, connect(url) as socket:
        task = bar.add_task("…", total=100)
        status = ""
        for text in socket:
            message = json.loads(text)
            if message["type"] == "segment":
                bar.print(f"  [dim]{message['start_display'][3:8]}[/dim] {message['text']}")
                continue
            status = message["status"]
            bar.update(task, description=message["message"], completed=message["progress"])
    return status == "completed"


def _show(client: httpx2.Client, recording_id: int) -> None:
    detail = client.get(f"/api/v1/recordings/{recording_id}?format=minimal").json()
    transcript = client.get(f"/api/v1/recordings/{recording_id}/transcript").json()
    summary = client.get(f"/api/v1/recordings/{recording_id}/summary").json()
    _heading(detail["title"])
    for segment in transcript["segments"]:
        times = f"{_clock(segment['start_time'])}-{_clock(segment['end_time'])}"
        console.print(f"[dim]{times}[/dim]  [bold]{segment['speaker']}[/bold]  {segment['sentence']}")
    _heading(f"Summary ({summary['model_used']})")
    console.print(summary["summary"])
    _heading("Topics")
    for topic in summary["topics"]:
        console.print(f"[dim]{_clock(topic['start'])}-{_clock(topic['end'])}[/dim]  {topic['title']}")
    _heading("Action items")
    for action in summary["action_items"]:
        console.print(f"- {action['text']}" + (f" ({action['assignee']})" if action["assignee"] else ""))
    for warning in detail["warnings"]:
        console.print(f"[yellow]{warning}[/yellow]")


def _export(client: httpx2.Client, recording_id: int) -> list[Path]:
    """Writes the subtitles beside where the demo was started from, into build/."""
    folder = MEETING.parents[1] / "build"
    folder.mkdir(exist_ok=True)
    files = []
    for form in ("srt", "vtt"):
        file = folder / f"meeting.{form}"
        content = client.get(f"/api/v1/recordings/{recording_id}/transcript?format={form}").json()["content"]
        file.write_text(content, encoding="utf-8")
        files.append(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
    return files


def _heading(text: str) -> None:
    console.print(f"\n[bold underline]{text}[/bold underline]")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


if __name__ == "__main__":
    sys.exit(main())
