"""Tasks that go to a worker over HTTP: what is asked, and what becomes of every way to be turned away."""

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.adapters.http_launcher import HttpLauncher
from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import PROTOCOL_VERSION, TranscribeOptions, TranscribeTask
from shared.wire import task_from_json, task_to_json
from tests.support.waiting import until
from tests.support.worker import serving

PATIENT = (sys.executable, "-c", "import sys; sys.stdin.read()")


def task(attempt: int = 1, **options: str) -> TranscribeTask:
    url = "http://here/jobs/1"
    return TranscribeTask(1, attempt, "http://here/a", url, "task token", TranscribeOptions(**options))


class Answers:
    """A server that gives its `script` of (status, body), one to a request, then breaks connections off."""

    def __init__(self, *script: tuple[int, str]) -> None:
        self.script = list(script)
        #: Method, path, credential and body of each request.
        self.asked: list[tuple[str, str, str | None, bytes]] = []
        self.url = ""


@contextmanager
def answering(*script: tuple[int, str]) -> Iterator[Answers]:
    answers = Answers(*script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers))
    server.daemon_threads = True
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield answers
    server.shutdown()
    server.server_close()


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answers.asked.append((self.command, self.path, self.headers["Authorization"], body))
            # As a server does that closes what it has kept open for long: after one answer the connection is dead.
            self.close_connection = True
            if not answers.script:
                return
            status, text = answers.script.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def launcher(url: str, token: str | None = "secret") -> Iterator[HttpLauncher]:
    with closing(HttpLauncher(url, token)) as made:
        yield made


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as caught:
        call()
    assert caught.value.__cause__ is None, "a foreign error may quote the token"
    return str(caught.value)


def test_what_is_asked_is_what_the_protocol_says() -> None:
    state = f'{{"room": 3, "running": 1, "version": {PROTOCOL_VERSION}}}'
    with answering((200, state), (202, '{"reference": "1.1/x"}'), (204, "")) as server, launcher(server.url) as worker:
        assert worker.capacity() == 3
        reference = worker.launch(task())
        worker.cancel(reference)
    assert [each[:3] for each in server.asked] == [
        ("GET", "/tasks", "Bearer secret"),
        ("POST", "/tasks", "Bearer secret"),
        ("DELETE", "/tasks/1.1%2Fx", "Bearer secret"),
    ]
    assert task_from_json(server.asked[1][3]) == task()


def test_a_path_of_the_address_is_kept_and_no_token_is_none() -> None:
    with answering((202, '{"reference": "r"}')) as server, launcher(f"{server.url}/gpu/", token=None) as worker:
        worker.launch(task())
    assert server.asked[0][:3] == ("POST", "/gpu/tasks", None)


@pytest.mark.parametrize("token", ["geheim", "schlüssel", "  padded\n"])
def test_the_token_of_both_ends_is_the_same_whatever_its_letters(token: str) -> None:
    with serving(PATIENT, 1, token=token.strip()) as url, launcher(url, token) as worker:
        assert worker.capacity() == 1


@pytest.mark.parametrize("token", ["wrong", None])
def test_a_wrong_token_is_told_as_such(token: str | None, caplog: pytest.LogCaptureFixture) -> None:
    with serving(PATIENT, 1, token="secret") as url, launcher(url, token) as worker:
        assert worker.capacity() == 0
        told = refusal(lambda: worker.launch(task()))
    assert "does not know this token: HANSARD_WORKER_TOKEN" in told
    assert told in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (503, '{"detail": "All places\\nare taken."}', "answered 503: All places are taken."),
        (500, "<h1>Oh dear</h1>", "answered 500: <h1>Oh dear</h1>"),
        (400, '{"detail": "The task speaks protocol 9."}', "answered 400: The task speaks protocol 9."),
        (301, "", "answered 301"),
        (202, "<html>", "not as `hansard worker` does"),
        (202, '{"other": 1}', "not as `hansard worker` does"),
        (202, "[]", "not as `hansard worker` does"),
    ],
)
def test_a_launch_that_fails_is_unavailable_with_a_sentence(status: int, body: str, words: str) -> None:
    with answering((status, body)) as server, launcher(server.url) as worker:
        assert words in refusal(lambda: worker.launch(task()))


def test_a_worker_that_is_away_is_unavailable_and_has_no_room() -> None:
    url = nowhere()
    with launcher(url) as worker:
        assert worker.capacity() == 0
        assert "cannot be reached" in refusal(lambda: worker.launch(task()))
        worker.cancel("1.1")


def test_a_connection_that_breaks_is_tried_once_more(caplog: pytest.LogCaptureFixture) -> None:
    with answering() as server, launcher(server.url) as worker:
        assert "broke the connection off" in refusal(lambda: worker.launch(task()))
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "body", ["<html>", "{}", "[]", '{"room": "many", "version": 1}', '{"room": null, "version": 1}']
)
def test_whoever_is_no_worker_has_no_room(body: str, caplog: pytest.LogCaptureFixture) -> None:
    with answering((200, body)) as server, launcher(server.url) as worker:
        assert worker.capacity() == 0
    assert "not as `hansard worker` does" in caplog.text


def test_a_worker_of_an_older_protocol_gets_no_task(caplog: pytest.LogCaptureFixture) -> None:
    with answering((200, '{"room": 4, "version": 0}')) as server, launcher(server.url) as worker:
        assert worker.capacity() == 0
    assert "needs a newer Hansard" in caplog.text


def test_trouble_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hansard.jobs")
    well = (200, f'{{"room": 1, "version": {PROTOCOL_VERSION}}}')
    with answering(well, (503, "a"), (503, "a"), (503, "b"), well, well) as server, launcher(server.url) as worker:
        assert [worker.capacity() for _ in range(6)] == [1, 0, 0, 0, 1, 1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    assert "jobs wait: The worker at" in caplog.text
    assert "takes tasks again" in caplog.text


@pytest.mark.parametrize("url", ["gpu-box:9000", "ftp://gpu-box", "http://", "http://gpu-box:port", "http://[::1", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="HANSARD_WORKER_URL"):
        HttpLauncher(url, None)


def test_a_password_in_the_address_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with launcher(nowhere().replace("//", "//user:hunter2@")) as worker:
        assert worker.capacity() == 0
        assert "hunter2" not in refusal(lambda: worker.launch(task())) + caplog.text


def test_the_same_task_twice_is_one_task() -> None:
    with serving(PATIENT, 2) as url, launcher(url, None) as worker:
        assert worker.launch(task()) == worker.launch(task())
        assert worker.capacity() == 1


def test_a_worker_that_is_full_takes_no_more() -> None:
    with serving(PATIENT, 1) as url, launcher(url, None) as worker:
        worker.launch(task())
        assert "answered 503: All places of this worker are taken." in refusal(lambda: worker.launch(task(2)))


def test_two_servers_do_not_end_each_others_work() -> None:
    with serving(PATIENT, 2) as url, launcher(url, None) as ours, launcher(url, None) as theirs:
        theirs.launch(task(language="de"))
        assert "of another server" in refusal(lambda: ours.launch(task(language="en")))
        assert ours.launch(task(2)) != theirs.launch(task(language="de"))
        assert ours.capacity() == 0


def test_a_long_task_arrives_whole(tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.readline()); sys.stdin.read()"
    long = task(hotwords="ü" * 200_000)
    with serving((sys.executable, "-c", code, str(tmp_path / "task")), 1) as url, launcher(url, None) as worker:
        worker.launch(long)
        until(lambda: (tmp_path / "task").exists() and len((tmp_path / "task").read_bytes()) > len(task_to_json(long)))
    assert task_from_json((tmp_path / "task").read_bytes()) == long
