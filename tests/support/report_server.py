"""A server on the loopback that takes reports, and fails in the ways it is told to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

#: Sent back as it is; the connection breaks instead, before or after the report was recorded; or the answer is late.
Answer = int | str


class ReportServer:
    """`script` says what happens to the next requests after the beginning; after its end everything is well."""

    def __init__(self, *script: Answer, state: bytes = b'{"go_on": true, "attempt": 2}') -> None:
        self.script = list(script)
        self.state = state
        #: Finished slices by their index, and pages of the transcript by the position they come after.
        self.slices: dict[int, bytes] = {}
        self.pages: dict[int, bytes] = {}
        self.go_on = True
        #: The numbers of the reports as they were recorded, repeats included.
        self.recorded: list[int] = []
        self.bodies: list[dict[str, object]] = []
        self.credentials: set[str | None] = set()
        self.asked = 0
        #: What workers have said when they began.
        self.beginnings: list[dict[str, object]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/jobs/7"

    def __enter__(self) -> "ReportServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def found(self, path: str) -> bytes:
        """What a worker asks for."""
        path, _, after = path.partition("?after=")
        if path.endswith("/transcript"):
            return self.pages[int(after)]
        return self.slices[int(path.rpartition("/")[2])]


def _handler(owner: ReportServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer leaves in one piece: in two, each would wait 40 ms for the acknowledgement of the first.
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, report: dict[str, object] | None) -> None:
            owner.credentials.add(self.headers["Authorization"])
            if report is not None and self.path.endswith("/attempts"):
                owner.beginnings.append(report)
                self._send(200, owner.state)
                return
            owner.asked += 1
            step = owner.script.pop(0) if owner.script else "well"
            if step == "break":
                self.close_connection = True
                return
            if isinstance(step, int):
                self._send(step, b'{"detail": "as the script says"}')
                return
            if report is not None:
                owner.recorded.append(int(str(report["seq"])))
                owner.bodies.append(report)
            if step == "lose":
                self.close_connection = True
                return
            if step == "late":
                time.sleep(0.3)
            self._send(200, owner.found(self.path) if report is None else json.dumps({"go_on": owner.go_on}).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
