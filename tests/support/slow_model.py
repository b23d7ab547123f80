"""A language model on the loopback that thinks for as long as a test wants."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_SUMMARY = {"title": "A meeting", "summary": "They met.", "key_points": [], "topics": [], "action_items": []}


class SlowModel:
    """Answers at once, or while it is `held` not before `let_go`; `asked` counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def hold(self) -> None:
        self._may_answer.clear()

    def let_go(self) -> None:
        self._may_answer.set()

    def answer(self) -> bytes:
        self.asked += 1
        self._may_answer.wait(120)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": json.dumps(_SUMMARY)},
            "finish_reason": "stop",
        }
        return json.dumps(
            {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        ).encode()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()


def _handler(model: SlowModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = model.answer()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True  # who asked has been killed meanwhile

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
