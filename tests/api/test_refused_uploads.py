"""Uploads that are refused: always with a sentence, and with nothing left behind."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support import media
from tests.support.leftovers import nothing_left
from tests.support.server import Server

UPLOAD = "/api/v1/recordings/upload"
SENTENCE = re.compile(r"[A-Za-z–].{8,}", re.DOTALL)


@pytest.fixture
def clean(server: Server) -> Iterator[None]:
    with nothing_left(server):
        yield


def refused(response: httpx2.Response, status: int = 400) -> str:
    """The sentence of a refusal; no inside of the server shows in it."""
    assert response.status_code == status, response.text
    body = response.json()
    assert isinstance(body["error"], str)
    assert SENTENCE.fullmatch(body["error"])
    assert not re.search(r"Traceback|Exception|/objects/|\.py\b|av\.error", body["error"])
    return body["error"]


def send(server: Server, name: str, data: bytes, kind: str = "audio/mpeg", **fields: str) -> httpx2.Response:
    with server.client() as client:
        return client.post(UPLOAD, files={"file": (name, data, kind)}, data=fields)


def send_raw(server: Server, body: bytes, content_type: str | None) -> httpx2.Response:
    headers = {} if content_type is None else {"Content-Type": content_type}
    with server.client() as client:
        return client.post(UPLOAD, content=body, headers=headers)


def no_sound(folder: Path) -> bytes:
    return media.mute_video(folder / "mute.mp4").read_bytes()


def no_samples(folder: Path) -> bytes:
    return media.wav(folder / "none.wav", media.silence(0)).read_bytes()


def headless(folder: Path) -> bytes:
    """The end of an m4a file, where the index is, is what a broken copy lacks."""
    whole = media.encoded(folder / "speech.m4a", media.speech(1))
    return media.cut_short(folder / "cut.m4a", whole, 0.5).read_bytes()


def stub(folder: Path) -> bytes:
    return media.encoded(folder / "speech.mp3", media.speech(1)).read_bytes()[:60]


CONTENTS: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "an empty file": ("empty.mp3", lambda _: b"", "empty"),
    "a text renamed to mp3": ("text.mp3", lambda _: b"Dear diary, " * 500, "not an audio"),
    "a page renamed to mp3": ("page.mp3", lambda _: b"<!doctype html><html><script>1</script>" * 50, "not an audio"),
    "noise": ("noise.wav", lambda _: bytes(range(256)) * 40, "not an audio"),
    "a video without sound": ("mute.mp4", no_sound, "no sound"),
    "a wav of 0 samples": ("none.wav", no_samples, "0 seconds"),
    "an m4a without its index": ("cut.m4a", headless, "read"),
    "an mp3 of 60 bytes": ("stub.mp3", stub, ""),
    "a playlist that names a file": (
        "list.m3u8",
        lambda _: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "not an audio",
    ),
    "a concat script": ("script.mp3", lambda _: b"ffconcat version 1.0\nfile /etc/passwd\n", "read"),
}


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("what", CONTENTS)
def test_what_is_no_recording_is_refused(server: Server, tmp_path: Path, what: str) -> None:
    name, make, reason = CONTENTS[what]
    assert reason in refused(send(server, name, make(tmp_path)))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": "x" * 300}, "300"),
        ({"title": "a\x00b"}, "NUL"),
        ({"notes": "a\x00b"}, "NUL"),
        ({"notes": "x" * 100_001}, "100001"),
        ({"hotwords": "\x00"}, "NUL"),
        ({"initial_prompt": "x\x00"}, "NUL"),
        ({"language": "klingon"}, "klingon"),
        ({"language": "xx"}, "xx"),
        ({"language": "\x00"}, "language"),
        ({"prompt_variables": '{"a b": "c"}'}, "prompt_variables"),
        ({"min_speakers": "5", "max_speakers": "2"}, "min_speakers"),
        ({"min_speakers": "0"}, "min_speakers"),
        ({"max_speakers": "-3"}, "max_speakers"),
        ({"max_speakers": "99999999999999999999"}, "max_speakers"),
    ],
    ids=lambda value: "-".join(value)[:40] if isinstance(value, dict) else None,
)
def test_a_wrong_field_is_refused_by_name(server: Server, silent_wav: Path, fields: dict[str, str], named: str) -> None:
    assert named in refused(send(server, "good.wav", silent_wav.read_bytes(), **fields))


@pytest.mark.usefixtures("clean")
def test_a_form_without_a_file_is_refused(server: Server) -> None:
    with server.client() as client:
        assert "file" in refused(client.post(UPLOAD, files={"other": ("a.wav", b"abc")}))
        assert "file" in refused(client.post(UPLOAD, files={"file": (None, b"abc")}))
        assert "file" in refused(send_raw(server, b"--x\r\n" + disposition("") + b"abc\r\n--x--\r\n", form("x")))


def form(boundary: str) -> str:
    return f"multipart/form-data; boundary={boundary}"


def disposition(filename: str, name: str = "file") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'.encode()


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, b"RIFF"),
        ("application/json", b'{"file": "x"}'),
        ("application/x-www-form-urlencoded", b"file=abc"),
        ("audio/wav", b"RIFF"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/mixed; boundary=x", b"--x--\r\n"),
        ("nonsense", b""),
        ("; boundary=x", b"--x--"),
    ],
)
def test_a_body_that_is_no_form_is_refused(server: Server, content_type: str | None, body: bytes) -> None:
    assert "multipart/form-data" in refused(send_raw(server, body, content_type))


BROKEN = {
    "no end": b"--x\r\n" + disposition("a.wav") + b"RIFF" * 100,
    "no body at all": b"",
    "another boundary": b"--y\r\n" + disposition("a.wav") + b"abc\r\n--y--\r\n",
    "header without a colon": b"--x\r\nContent-Disposition\r\n\r\nabc\r\n--x--\r\n",
    "no disposition": b"--x\r\nContent-Type: audio/wav\r\n\r\nabc\r\n--x--\r\n",
    "header not UTF-8": b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\na\r\n--x--',
    "header of 10 KB": b"--x\r\n" + disposition("n" * 10_000) + b"abc\r\n--x--\r\n",
    "text that is not UTF-8": b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xff\xfe\r\n--x--\r\n',
    "2000 parts": b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' for _ in range(2000))
    + b"--x--",
}


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_form_is_refused(server: Server, what: str) -> None:
    refused(send_raw(server, BROKEN[what], form("x")))


@pytest.mark.usefixtures("clean")
def test_a_file_that_came_whole_is_dropped_when_the_form_breaks_after_it(server: Server, silent_wav: Path) -> None:
    body = b"--x\r\n" + disposition("a.wav") + silent_wav.read_bytes() + b"\r\n--x\r\nbroken\r\n\r\n--x--\r\n"
    assert "broken" in refused(send_raw(server, body, form("x")))


def test_of_two_files_only_the_first_is_kept(waiting_server: Server, silent_wav: Path) -> None:
    with nothing_left(waiting_server), waiting_server.client() as client:
        wave = silent_wav.read_bytes()
        files = [("file", ("one.wav", wave, "audio/wav")), ("file", ("two.wav", wave, "audio/wav"))]
        answer = client.post(UPLOAD, files=files).json()
        assert answer["original_filename"] == "one.wav"
        assert client.delete(f"/api/v1/recordings/{answer['id']}").status_code == 200


def test_a_type_that_a_browser_would_run_is_not_kept(waiting_server: Server, silent_wav: Path) -> None:
    wave = silent_wav.read_bytes()
    for kind in ("text/html", "image/svg+xml", "audio/🎵", "audio/", "video/mp4, text/html"):
        answer = send(waiting_server, "page.html", wave, kind)
        assert answer.status_code == 202, answer.text
        assert answer.json()["mime_type"] == "audio/mpeg"
    assert send(waiting_server, "a.mp3", wave, "text/html").json()["mime_type"] == "audio/mpeg"
    assert send(waiting_server, "a.bin", wave, "AUDIO/X-Wav; codecs=1").json()["mime_type"] == "audio/x-wav"
