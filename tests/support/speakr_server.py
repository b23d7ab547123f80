"""A Speakr as it is, with what is odd about it: no real one is at hand where tests run."""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-of-speakr"
Answer = tuple[int, Mapping[str, str], bytes]
_LIST_ONLY = ("has_transcription", "has_summary")
_DETAIL_ONLY = ("mime_type", "events", "duplicate_info")


def recording(number: int, **changes: Any) -> dict[str, Any]:
    """As a Speakr knows it: times are UTC and do not say so, numbers are whole."""
    return {
        "id": number,
        "title": f"Talk {number}",
        "status": "COMPLETED",
        "created_at": f"2026-01-01T10:{number % 60:02d}:26.556226",
        "completed_at": f"2026-01-01T11:{number % 60:02d}:00",
        "meeting_date": "2025-12-31T09:00:00",
        "file_size": 1,
        "original_filename": f"talk {number}.wav",
        "participants": "Ann, Bob",
        "is_inbox": False,
        "is_highlighted": False,
        "audio_available": True,
        "audio_duration": 12.5,
        "processing_time_seconds": 4,
        "transcription_duration_seconds": 3,
        "summarization_duration_seconds": 1,
        "folder_id": None,
        "folder": None,
        "deletion_exempt": False,
        "error_message": None,
        "keep_audio_only": True,
        "tags": [],
        "mime_type": "audio/mpeg",
        "events": [],
        "duplicate_info": None,
        "notes": None,
        "summary": f"## Summary of {number}",
        **changes,
    }


def segment(speaker: str | None, text: str, start: float, end: float) -> dict[str, Any]:
    return {"speaker": speaker, "sentence": text, "start_time": start, "end_time": end}


class SpeakrServer:
    """`audio` and `transcripts` go by the number of the recording; `calls` are the paths that were asked for.

    `first` holds, by path, answers that are given before the real one. `busy` is how many calls get a 429 first.
    """

    def __init__(self, prefix: str = "") -> None:
        self.recordings: list[dict[str, Any]] = []
        self.audio: dict[int, bytes] = {}
        self.transcripts: dict[int, dict[str, Any]] = {}
        self.tags: list[dict[str, Any]] = []
        self.folders: Any = []
        self.speakers: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.first: dict[str, list[Answer]] = defaultdict(list)
        self.busy = 0
        self.folders_status = 200
        #: Where the audio lies instead: an address that the number of the recording is put behind.
        self.store: str | None = None
        #: Called before the last half of some audio is sent.
        self.half_way: Callable[[int], object] = lambda _: None
        self.pages: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda found: found
        self._prefix = prefix
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"

    def __enter__(self) -> "SpeakrServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, number: int, audio: bytes = b"sound", **changes: Any) -> dict[str, Any]:
        """A recording with its audio and a transcript of two people."""
        made = recording(number, file_size=len(audio), **changes)
        self.recordings.append(made)
        self.audio[number] = audio
        said = [segment("Ann", f"Good morning, this is {number}.", 0.0, 2.5), segment("SPEAKER_01", "Hi.", 2.5, 3.25)]
        self.transcripts[number] = {"format": "json", "segments": said}
        return made

    def answer(self, path: str, authorization: str | None) -> Answer:
        where = urlsplit(path)
        self.calls.append(where.path.removeprefix(self._prefix))
        if not where.path.startswith(f"{self._prefix}/api/v1/"):
            return _page(404, "Not Found")
        if authorization != f"Bearer {TOKEN}":
            return 302, {"Location": f"{self._prefix}/login?next=/", "Content-Type": "text/html"}, b"<a>Redirecting</a>"
        place = where.path.removeprefix(f"{self._prefix}/api/v1")
        if self.busy > 0:
            self.busy -= 1
            return _page(429, "1000 per 1 hour")
        if self.first[place]:
            return self.first[place].pop(0)
        return self._found(place, {name: values[0] for name, values in parse_qs(where.query).items()})

    def _found(self, place: str, query: Mapping[str, str]) -> Answer:
        match place:
            case "/recordings":
                return self._page(int(query["page"]), int(query["per_page"]))
            case "/tags":
                return _json({"tags": self.tags})
            case "/folders":
                return _json(self.folders, self.folders_status)
            case "/speakers":
                return _json({"speakers": self.speakers})
        found = re.fullmatch(r"/recordings/(\d+)(/\w+)?", place)
        known = [each for each in self.recordings if found and each["id"] == int(found[1])]
        if found is None or not known:
            return _json({"error": "Recording not found"}, 404)
        return self._part(known[0], found[2])

    def _part(self, made: dict[str, Any], part: str | None) -> Answer:
        number = made["id"]
        if part is None:
            return _json({name: value for name, value in made.items() if name not in _LIST_ONLY})
        if part == "/transcript" and number in self.transcripts:
            return _json(self.transcripts[number])
        if part == "/audio" and self.store is not None:
            return 302, {"Location": f"{self.store}{number}", "Content-Type": "text/html"}, b"<a>Redirecting</a>"
        if part == "/audio" and number in self.audio:
            return 200, {"Content-Type": made["mime_type"]}, self.audio[number]
        return _json({"error": "not available"}, 404)

    def _page(self, page: int, per_page: int) -> Answer:
        ordered = self.pages(sorted(self.recordings, key=lambda each: str(each["created_at"])))
        shown = ordered[(page - 1) * per_page : page * per_page]
        total = len(self.recordings)
        items = [{name: value for name, value in each.items() if name not in _DETAIL_ONLY} for each in shown]
        pagination = {
            "page": page,
            "per_page": per_page,
            "total": total,
            "total_pages": -(-total // per_page),
            "has_next": page * per_page < len(ordered),
            "has_prev": page > 1,
        }
        return _json({"recordings": items, "pagination": pagination})


def _json(answer: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(answer).encode() + b"\n"


def _page(status: int, text: str) -> Answer:
    return status, {"Content-Type": "text/html; charset=utf-8"}, f"<!doctype html><p>{text}</p>".encode()


def failing(status: int = 500) -> Answer:
    return _page(status, "Internal Server Error")


def cut_short(sent: bytes, announced: int) -> Answer:
    """An answer whose line breaks before its end."""
    return 200, {"Content-Type": "audio/mpeg", "Content-Length": str(announced)}, sent


def _handler(speakr: SpeakrServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = speakr.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            number = re.search(r"/(\d+)/audio", self.path)
            half = len(body) // 2 if number else 0
            self.wfile.write(body[:half])
            self.wfile.flush()
            if number is not None:
                speakr.half_way(int(number[1]))
            self.wfile.write(body[half:])

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler


class Store:
    """Where audio lies that a Speakr keeps elsewhere; `shown` are the credentials that came with the calls."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.shown: list[str | None] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                store.shown.append(self.headers.get("Authorization") or self.headers.get("X-API-Token"))
                body = objects.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> "Store":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
