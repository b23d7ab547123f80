"""Real files of many formats, good and bad, through the real decoder."""

import io
import threading
import wave
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from functions.gpu.audio import RATE, decode, load, probe
from shared.domain.errors import Invalid, NotFound, Unavailable
from tests.functions.gpu.conftest import MakeMedia, write_media

SECONDS = 12.0
FORMATS: list[tuple[str, str, dict[str, Any]]] = [
    ("a.wav", "pcm_s16le", {}),
    ("a.flac", "flac", {}),
    ("cbr.mp3", "mp3", {"bit_rate": 64_000}),
    ("vbr.mp3", "mp3", {"options": {"compression_level": "4", "flags": "+qscale", "global_quality": "472"}}),
    ("headless.mp3", "mp3", {"container_format": "mp3", "bit_rate": 64_000}),
    ("a.m4a", "aac", {"container_format": "mp4", "rate": 44_100}),
    ("a.aac", "aac", {"container_format": "adts"}),
    ("a.ogg", "vorbis", {"rate": 48_000, "layout": "stereo", "options": {"strict": "experimental"}}),
    ("a.opus", "libopus", {"rate": 48_000, "container_format": "ogg"}),
    ("a.webm", "libopus", {"rate": 48_000}),
    ("a.mp4", "aac", {"video": True, "rate": 48_000}),
    ("a.mkv", "libopus", {"video": True, "rate": 48_000}),
]


def lag(found: np.ndarray, expected: np.ndarray) -> float:
    """By how many seconds `found` comes later than `expected`, by cross-correlation."""
    size = 1 << (len(found) + len(expected)).bit_length()
    both = np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(expected, size)))
    at = int(np.argmax(both))
    return (at - size if at > size // 2 else at) / RATE


@pytest.mark.parametrize(("name", "codec", "settings"), FORMATS, ids=[name for name, _, _ in FORMATS])
def test_every_format_is_decoded_and_sought_exactly(
    make_media: MakeMedia, sound: np.ndarray, name: str, codec: str, settings: dict[str, Any]
) -> None:
    path = make_media(name, sound[: int(SECONDS * RATE)], codec, **settings)
    info = probe(path)
    assert info.duration == pytest.approx(SECONDS, abs=0.12)
    assert info.has_video == settings.get("video", False)
    whole = load(path)
    assert len(whole) / RATE == pytest.approx(info.duration, abs=0.05)
    assert abs(lag(whole, sound[: len(whole)])) < 0.07  # what an encoder puts before the sound, if nothing tells it
    for start in (0.4, 3.217, 9.0):
        part = load(path, start, start + 2.0)
        assert len(part) == 2 * RATE
        assert abs(lag(part, whole[round(start * RATE) :][: 2 * RATE])) <= 0.003


def test_slices_join_to_the_whole(make_media: MakeMedia, sound: np.ndarray) -> None:
    path = make_media("a.flac", sound[: 12 * RATE], "flac")
    pieces = [load(path, 0.0, 4.321), load(path, 4.321, 9.87), load(path, 9.87)]
    assert np.array_equal(np.concatenate(pieces), load(path))


def test_probe_says_what_the_file_is(make_media: MakeMedia, sound: np.ndarray) -> None:
    info = probe(make_media("a.ogg", sound[:RATE], "libopus", rate=48_000, layout="stereo"))
    assert (info.codec, info.container, info.sample_rate, info.channels) == ("opus", "ogg", 48_000, 2)


@pytest.mark.parametrize("rate", [8_000, 11_025, 48_000])
def test_other_rates_become_16_khz(make_media: MakeMedia, sound: np.ndarray, rate: int) -> None:
    whole = load(make_media("a.wav", sound[: 4 * RATE], "pcm_s16le", rate=rate))
    assert len(whole) == pytest.approx(4 * RATE, abs=4)
    assert np.corrcoef(whole[: 4 * RATE - 4], sound[: 4 * RATE - 4])[0, 1] > 0.97


def test_surround_sound_keeps_the_voice_in_the_middle(make_media: MakeMedia, sound: np.ndarray) -> None:
    voice = sound[: 3 * RATE]
    channels = np.zeros((6, len(voice)), np.float32)
    channels[2] = voice
    mixed = load(make_media("a.flac", channels, "flac", layout="5.1"))
    assert np.corrcoef(mixed, voice)[0, 1] > 0.999
    assert np.abs(mixed).max() > 0.2 * np.abs(voice).max()


def test_two_loud_channels_do_not_clip(make_media: MakeMedia) -> None:
    tone = np.tile(0.95 * np.sin(np.arange(RATE) * 0.1).astype(np.float32), (2, 1))
    assert np.abs(load(make_media("a.wav", tone, "pcm_s16le", layout="stereo"))).max() < 0.97


def test_sound_that_starts_late_keeps_its_time(make_media: MakeMedia, sound: np.ndarray) -> None:
    path = make_media("late.mkv", sound[: 4 * RATE], "flac", video=True, starts_at=2.5)
    whole = load(path)
    assert np.abs(whole[: int(2.4 * RATE)]).max() == 0.0
    assert lag(whole, sound[: 4 * RATE]) == pytest.approx(2.5, abs=0.005)
    assert lag(load(path, 4.0, 6.0), whole[4 * RATE : 6 * RATE]) == pytest.approx(0.0, abs=0.005)
    assert probe(path).duration == pytest.approx(6.5, abs=0.05)


def test_one_of_several_tracks_is_taken(tmp_path: Path, sound: np.ndarray) -> None:
    path = tmp_path / "two.mkv"
    write_media(str(path), [sound[:RATE], sound[RATE : 2 * RATE]], "flac")
    assert len(load(str(path))) == RATE


class WriteOnly(io.RawIOBase):
    """A pipe, as a browser's MediaRecorder writes to: no way back to fill in a duration."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize(
    ("container_format", "codec"), [("webm", "libopus"), ("mp3", "mp3"), ("wav", "pcm_s16le"), ("adts", "aac")]
)
def test_the_duration_is_found_when_the_file_does_not_say_it(
    tmp_path: Path, sound: np.ndarray, container_format: str, codec: str
) -> None:
    pipe = WriteOnly()
    write_media(pipe, [sound[: 9 * RATE]], codec, rate=48_000, container_format=container_format)
    path = tmp_path / f"piped.{container_format}"
    path.write_bytes(pipe.data)
    assert probe(str(path)).duration == pytest.approx(9.0, abs=0.12)
    whole = load(str(path))
    assert abs(lag(load(str(path), 5.0, 7.0), whole[5 * RATE : 7 * RATE])) <= 0.003


def test_a_truncated_mp3_gives_what_is_there(make_media: MakeMedia, sound: np.ndarray) -> None:
    path = Path(make_media("a.mp3", sound[: 10 * RATE], "mp3", bit_rate=64_000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(str(path)).duration == pytest.approx(5.0, abs=0.2)
    assert len(load(str(path))) == pytest.approx(5 * RATE, abs=0.2 * RATE)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "mp3"), ("a.mkv", "mp3"), ("a.flac", "flac")])
def test_damage_in_the_middle_loses_only_itself(
    make_media: MakeMedia, sound: np.ndarray, name: str, codec: str
) -> None:
    path = Path(make_media(name, sound[: 10 * RATE], codec))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    whole = load(str(path))
    assert abs(lag(whole[: 4 * RATE], sound[: 4 * RATE])) < 0.08
    assert len(whole) > 8.5 * RATE


def test_nothing_after_the_end(sample: str, sound: np.ndarray) -> None:
    blocks = list(decode(sample, 50.0, 51.5))
    assert sum(map(len, blocks)) == 1.5 * RATE
    assert len(load(sample, 54.0, 60.0)) == len(sound) - 54 * RATE
    assert len(load(sample, 70.0)) == 0
    assert len(load(sample, 5.0, 5.0)) == 0


def test_memory_is_bounded(make_media: MakeMedia, sound: np.ndarray) -> None:
    path = make_media("a.wav", np.tile(sound, 3), "pcm_s16le", rate=48_000)
    assert max(map(len, decode(path))) <= 10 * RATE


def _files_that_are_no_recordings(folder: Path) -> Iterator[tuple[Path, bytes]]:
    yield folder / "empty.mp3", b""
    yield folder / "text.mp3", b"Dear all, this is not music.\n" * 400
    yield folder / "zeros.wav", bytes(5000)
    yield folder / "random.m4a", np.random.default_rng(3).bytes(20_000)
    yield folder / "list.mp3", b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    yield folder / "concat.wav", b"ffconcat version 1.0\nfile /etc/passwd\n"


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for path, content in _files_that_are_no_recordings(tmp_path):
        path.write_bytes(content)
        with pytest.raises(Invalid, match=r"^[A-Z].*\.$"):
            probe(str(path))


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "silent.mp4")
    _silent_video(path)
    with pytest.raises(Invalid, match="no sound"):
        probe(path)


def _silent_video(path: str) -> None:
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p")
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))


def test_a_recording_of_zero_seconds_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "none.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
    with pytest.raises(Invalid, match="0 seconds"):
        probe(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        probe(str(tmp_path / "nowhere.wav"))


class RangeHandler(SimpleHTTPRequestHandler):
    """Serves byte ranges as S3 does, and counts what it sends."""

    sent = 0

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), int(last) + 1 if last else len(data)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
        self.send_header("Content-Length", str(end - begin))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        for at in range(begin, end, 65_536):
            try:
                self.wfile.write(data[at : min(end, at + 65_536)])
            except ConnectionError:
                return
            RangeHandler.sent += 65_536


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(RangeHandler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_read_where_it_is_needed(served: str, make_media: MakeMedia, sound: np.ndarray) -> None:
    path = make_media("a.wav", np.tile(sound, 4), "pcm_s16le", rate=48_000)  # 20 MB
    url = f"{served}/a.wav"
    assert probe(url) == probe(path)
    RangeHandler.sent = 0
    assert np.array_equal(load(url, 100.0, 102.0), load(path, 100.0, 102.0))
    assert RangeHandler.sent < 14_000_000  # sockets buffer some megabytes


def test_urls_that_fail_say_so(served: str) -> None:
    with pytest.raises(NotFound):
        probe(f"{served}/missing.wav")
    with pytest.raises(Unavailable):
        probe("http://127.0.0.1:9/a.wav")
