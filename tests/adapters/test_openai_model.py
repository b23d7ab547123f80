"""The adapter against a real server on the loopback that speaks the chat completions wire format."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.adapters.openai_model import OpenAIModel
from shared.domain.errors import Unavailable
from shared.ports import Completion

KEY = "sk-very-secret-key"
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße?"}]
Reply = Callable[[dict[str, Any]], tuple[int, bytes]]


def completion(content: object, **more: object) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(
        {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], **more}
    ).encode()


def complaint(message: str, **more: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}}).encode()


class ChatServer(ThreadingHTTPServer):
    """Answers every request with what `reply` makes of its body, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.reply: Reply = lambda body: (200, completion("Hello."))
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.paths: list[str] = []
        self.let_go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class ChatHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, ChatServer)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append(body)
        server.keys.append(self.headers["Authorization"])
        server.paths.append(self.path)
        status, answer = server.reply(body)
        if server.let_go.is_set():
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.let_go.set()
        running.shutdown()
        thread.join()


def model(server: ChatServer, key: str | None = KEY, timeout: float = 10.0) -> OpenAIModel:
    return OpenAIModel(server.url, key, "nano", timeout)


def ask(asked: OpenAIModel, **more: bool) -> str:
    return asked.complete(ASK, max_tokens=50, temperature=0.2, **more).text


def refusal(asked: OpenAIModel) -> str:
    with pytest.raises(Unavailable) as refused:
        ask(asked)
    assert refused.value.__cause__ is None
    return str(refused.value)


def test_the_answer_and_the_request(server: ChatServer) -> None:
    server.reply = lambda body: (200, completion("Grüße 👋"))
    assert ask(model(server)) == "Grüße 👋"
    assert server.asked == [{"model": "nano", "messages": ASK, "max_tokens": 50, "temperature": 0.2}]
    assert server.keys == [f"Bearer {KEY}"]
    assert server.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"total_tokens": 12}, 12),
        ({"total_tokens": -1}, 0),
        ({"total_tokens": 10**30}, 0),
        ({"total_tokens": True}, 0),
        ({"total_tokens": "12"}, 0),
        ({}, 0),
        (None, 0),
        ([12], 0),
    ],
)
def test_the_tokens_are_those_that_the_server_counts(server: ChatServer, usage: object, tokens: int) -> None:
    server.reply = lambda body: (200, completion("Hello.", usage=usage))
    assert model(server).complete(ASK, max_tokens=50, temperature=0.2) == Completion("Hello.", tokens)


def test_who_waits_may_not_want_it_asked_again(server: ChatServer) -> None:
    server.reply = lambda body: (500, b"oops")
    refusal(OpenAIModel(server.url, KEY, "nano", 10.0, retries=0))
    assert len(server.asked) == 1


def test_the_name_is_the_model(server: ChatServer) -> None:
    assert model(server).name == "nano"


def test_json_is_asked_for(server: ChatServer) -> None:
    ask(model(server), json=True)
    assert server.asked[0]["response_format"] == {"type": "json_object"}


def test_one_client_asks_many_times(server: ChatServer) -> None:
    asked = model(server)
    assert [ask(asked) for _ in range(3)] == ["Hello."] * 3


def test_no_key_is_looked_for_in_the_environment(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    ask(model(server, key=None))
    assert server.keys == ["Bearer none"]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_response_format_is_asked_without(server: ChatServer, status: int) -> None:
    server.reply = lambda body: (
        (status, complaint("extra field")) if "response_format" in body else (200, completion("{}"))
    )
    assert ask(model(server), json=True) == "{}"
    assert ["response_format" in body for body in server.asked] == [True, False]


def test_a_reasoning_model_gets_the_parameters_it_knows(server: ChatServer) -> None:
    def reply(body: dict[str, Any]) -> tuple[int, bytes]:
        if "max_tokens" in body:
            return 400, complaint("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in body:
            return 400, complaint("Unsupported value: 'temperature' does not support 0.2 with this model.")
        return 200, completion("yes")

    server.reply = reply
    assert ask(model(server), json=True) == "yes"
    assert server.asked[-1]["max_completion_tokens"] == 50
    assert "response_format" in server.asked[-1]


def test_a_bad_request_is_not_sent_for_ever(server: ChatServer) -> None:
    server.reply = lambda body: (400, complaint("context length exceeded, mind max_completion_tokens and temperature"))
    with pytest.raises(Unavailable, match=r"answered 400: .*context length exceeded"):
        ask(model(server), json=True)
    assert len(server.asked) == 4


def test_a_failing_server_is_asked_once_more(server: ChatServer) -> None:
    replies = iter([(500, b"oops"), (200, completion("at last"))])
    server.reply = lambda body: next(replies)
    assert ask(model(server)) == "at last"


def test_a_server_that_keeps_failing(server: ChatServer) -> None:
    server.reply = lambda body: (500, complaint("out of memory"))
    reason = refusal(model(server))
    assert reason.startswith(f"The language model nano at 127.0.0.1:{server.server_port} answered 500: ")
    assert "out of memory" in reason
    assert len(server.asked) == 2


def test_rate_limits_say_so(server: ChatServer) -> None:
    server.reply = lambda body: (429, complaint("quota used up"))
    assert "answered 429" in refusal(model(server))


def test_the_key_is_in_no_message(server: ChatServer) -> None:
    for status in (400, 401, 403, 404, 500):
        server.reply = lambda body, status=status: (status, complaint(f"bad key {KEY}"))
        assert KEY not in refusal(model(server))


def test_a_password_in_the_address_is_in_no_message() -> None:
    reason = refusal(OpenAIModel(f"http://ann:secret@127.0.0.1:{_closed_port()}/v1", KEY, "nano"))
    assert "secret" not in reason and "127.0.0.1" in reason


def test_a_slow_server_runs_into_the_timeout(server: ChatServer) -> None:
    def reply(body: dict[str, Any]) -> tuple[int, bytes]:
        server.let_go.wait()
        return 200, completion("too late")

    server.reply = reply
    assert "did not answer within 0.1 s" in refusal(model(server, timeout=0.1))


def test_nobody_listens() -> None:
    reason = refusal(OpenAIModel(f"http://127.0.0.1:{_closed_port()}/v1", KEY, "nano"))
    assert "cannot be reached" in reason


def _closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": 1}]}',
        b'{"choi',
        b"[" * 99999,
    ],
)
def test_something_else_than_a_completion(server: ChatServer, body: bytes) -> None:
    server.reply = lambda _: (200, body)
    assert "not a chat completion" in refusal(model(server))


@pytest.mark.parametrize("content", [None, "", "  \n", ["parts"]])
def test_an_empty_answer(server: ChatServer, content: object) -> None:
    server.reply = lambda body: (200, completion(content))
    assert "empty answer" in refusal(model(server))


def test_the_package_is_not_loaded_with_the_module() -> None:
    code = (
        "import sys, shared.adapters.openai_model as m; m.OpenAIModel(None, None, 'x'); print('openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
