"""What the speech tests share: the sample meeting decoded once, and media files of any kind made with PyAV."""

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from functions.gpu.audio import RATE, load
from functions.gpu.transcribe import Transcriber, choose
from functions.gpu.transcribe import load as load_engine

REPOSITORY = Path(__file__).parents[3]
MakeMedia = Callable[..., str]


@pytest.fixture(scope="session")
def sample() -> str:
    """The path of the sample meeting: 54 s, three voices."""
    return str(REPOSITORY / "samples" / "meeting.flac")


@pytest.fixture(scope="session")
def truth() -> list[dict[str, Any]]:
    """Who says what when in the sample."""
    return json.loads((REPOSITORY / "samples" / "meeting.ref.json").read_text())


@pytest.fixture(scope="session")
def sound(sample: str) -> np.ndarray:
    """The sample, decoded; read-only."""
    samples = load(sample)
    samples.setflags(write=False)
    return samples


@pytest.fixture(scope="session")
def sphinx() -> Transcriber:
    return load_engine(choose("pocketsphinx", None))


@pytest.fixture(scope="session")
def nano_whisper() -> str:
    """The directory of a tiny real Whisper."""
    return str(REPOSITORY / "tests" / "models" / "nano-whisper")


@pytest.fixture
def make_media(tmp_path: Path) -> MakeMedia:
    """Encodes 16 kHz mono samples (or one row per channel) into a file: `make_media("a.mp3", samples, "mp3", …)`."""

    def make(name: str, samples: np.ndarray, codec: str, **settings: Any) -> str:
        path = str(tmp_path / name)
        write_media(path, [samples], codec, **settings)
        return path

    return make


def write_media(
    target: Any,
    tracks: Sequence[np.ndarray],
    codec: str,
    *,
    rate: int = RATE,
    layout: str = "mono",
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    bit_rate: int | None = None,
    starts_at: float = 0.0,
    video: bool = False,
) -> None:
    """Writes `tracks` as audio streams, the sound beginning `starts_at` seconds into the (black) video."""
    with av.open(target, "w", format=container_format) as container:
        picture = container.add_stream("mpeg4", rate=5, width=32, height=32, pix_fmt="yuv420p") if video else None
        streams = [container.add_stream(codec, rate=rate, layout=layout, options=options or {}) for _ in tracks]
        for stream in streams:
            if bit_rate:
                stream.bit_rate = bit_rate
        if picture:
            seconds = max(track.shape[-1] for track in tracks) / RATE + starts_at
            for at in range(int(seconds * 5)):
                frame = av.VideoFrame(32, 32, "yuv420p")
                frame.pts, frame.time_base = at, Fraction(1, 5)
                container.mux(picture.encode(frame))
        for stream, track in zip(streams, tracks, strict=True):
            _encode(container, stream, np.atleast_2d(track), starts_at)
        if picture:
            container.mux(picture.encode(None))


def _encode(container: Any, stream: Any, samples: np.ndarray, starts_at: float) -> None:
    source_layout = "mono" if len(samples) == 1 else stream.codec_context.layout.name
    context = stream.codec_context
    context.open(strict=False)
    resampler = av.AudioResampler(context.format, context.layout, context.sample_rate, context.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, np.float32), "fltp", source_layout)
    frame.sample_rate = RATE
    at = round(starts_at * context.sample_rate)
    for source in (frame, None) if samples.size else ():
        for converted in resampler.resample(source):
            converted.pts, converted.time_base = at, Fraction(1, context.sample_rate)
            at += converted.samples
            container.mux(stream.encode(converted))
    container.mux(stream.encode(None))
