"""Media files made on the spot: cuts of the sample meeting in any format, and files that are broken in known ways."""

import math
import wave
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from tests.support.server import MEETING

RATE = 16_000

#: container, codec, sample rate, layout of what people upload
FORMATS = {
    "8k.wav": ("wav", "pcm_s16le", 8_000, "mono"),
    "48k.wav": ("wav", "pcm_s16le", 48_000, "stereo"),
    "surround.wav": ("wav", "pcm_s16le", 48_000, "5.1"),
    "speech.mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "speech.m4a": ("ipod", "aac", 44_100, "mono"),
    "speech.flac": ("flac", "flac", 16_000, "mono"),
    "speech.ogg": ("ogg", "libopus", 48_000, "stereo"),
    "speech.webm": ("webm", "libopus", 48_000, "mono"),
    "speech.mkv": ("matroska", "flac", 44_100, "stereo"),
    "speech.mov": ("mov", "aac", 44_100, "mono"),
}


@lru_cache(maxsize=1)
def meeting() -> np.ndarray:
    """The sample meeting as 16 bit samples at 16 kHz."""
    with av.open(str(MEETING)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def speech(seconds: float, start: float = 0.0) -> np.ndarray:
    return meeting()[int(start * RATE) : int((start + seconds) * RATE)]


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.int16)


def wav(path: Path, samples: np.ndarray) -> Path:
    """A mono 16 kHz wav file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def encoded(path: Path, samples: np.ndarray, *, video: bool = False, recorded_at: str = "") -> Path:
    """`samples` in the format that FORMATS gives for the name of `path`; `video` adds a grey picture."""
    container_format, codec, rate, layout = FORMATS.get(path.name, ("mp4", "aac", 44_100, "mono"))
    with av.open(str(path), "w", format=container_format) as container:
        container.metadata["creation_time"] = recorded_at
        stream = container.add_stream(codec, rate=rate, layout=layout)
        picture = container.add_stream("mpeg4", rate=5) if video else None
        if picture is not None:
            picture.width = picture.height = 64
            _paint(container, picture, len(samples) / RATE)
        resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate, frame_size=_frame(stream))
        for frame in [*resampler.resample(_frame_of(samples)), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frame(stream: av.AudioStream) -> int | None:
    return stream.codec_context.frame_size or None


def _frame_of(samples: np.ndarray) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    return frame


def _paint(container: av.container.OutputContainer, stream: av.VideoStream, seconds: float) -> None:
    for _ in range(max(1, int(seconds * 5))):
        grey = np.full((64, 64, 3), 128, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
    container.mux(stream.encode(None))


def hours_of_silence(path: Path, hours: float) -> Path:
    """A long recording in few bytes: one second of AAC, over and over."""
    second = path.with_name("second.aac")
    with av.open(str(second), "w", format="adts") as container:
        stream = container.add_stream("aac", rate=8_000, layout="mono", bit_rate=8_000)
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=8_000, frame_size=_frame(stream))
        for frame in resampler.resample(_frame_of(silence(10.24))):
            container.mux(stream.encode(frame))
    frames = second.read_bytes()
    # 80 frames of 1024 samples at 8 kHz, of which the encoder holds some back.
    count = _frames_in(frames)
    path.write_bytes(frames * math.ceil(hours * 3600 / (count * 0.128)))
    return path


def _frames_in(adts: bytes) -> int:
    count = place = 0
    while place < len(adts):
        place += (adts[place + 3] & 3) << 11 | adts[place + 4] << 3 | adts[place + 5] >> 5
        count += 1
    return count


def mute_video(path: Path) -> Path:
    """A video without any sound."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        _paint(container, stream, 1.0)
    return path


def cut_short(path: Path, source: Path, share: float) -> Path:
    """The first `share` of the bytes of `source`."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
