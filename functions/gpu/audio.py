"""Media files as sound: what a file holds, and any stretch of it as 16 kHz mono samples, in bounded memory."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import av
import av.error
import numpy as np
from av import AudioFifo, AudioFrame, AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from functions.gpu.media import is_url, open_sound
from shared.domain.errors import Invalid, Unavailable
from shared.domain.transcripts import AudioInfo, Span

RATE = 16_000
# Decoded before `start` and thrown away: a decoder that begins in mid-stream needs some packets until it is right
# (MP3 bit reservoir, Opus 80 ms of pre-roll, AAC and Vorbis overlap), and the resampler needs its filter length.
WARM_UP = 0.5
# How far a frame's time may be off from the count of samples before it counts as a gap: WebM rounds times to 1 ms,
# and some muxers jitter by more.
JITTER = 0.06
LONGEST_GAP = 600.0  # a larger jump of the timestamps is a broken clock, not a silence
BLOCK_SAMPLES = 1 << 18  # input samples per resampler call: a call per frame costs more than decoding itself
FIRST_PACKETS = 200  # how many packets may fail before a stream counts as undecodable
BROKEN_READS = 50  # consecutive read errors after which the rest of a file is given up
TAIL = 3.0  # seconds at the end that are read to check the declared duration


def probe(source: str) -> AudioInfo:
    """What `source` (a path or an http(s) URL) holds; `duration` is in seconds, from 0:00 to the end of the sound.

    Raises Invalid for a file that is empty, no media, without sound or undecodable; NotFound or Unavailable when it
    cannot be had.
    """
    with open_sound(source) as (container, stream):
        context = stream.codec_context
        info = AudioInfo(
            duration=0.0,
            codec=context.codec.canonical_name,
            container=container.format.name,
            sample_rate=context.sample_rate,
            channels=context.channels,
            has_video=any(not video.disposition & video.disposition.attached_pic for video in container.streams.video),
            recorded_at=_recorded_at({**stream.metadata, **container.metadata}),
        )
        declared = _declared_duration(container, stream)
        _require_sound(source, container, stream)
    return replace(info, duration=_duration(source, declared))


def _recorded_at(metadata: Mapping[str, str]) -> datetime | None:
    """When the recorder says it began; without a zone it is taken for UTC."""
    try:
        found = datetime.fromisoformat(metadata.get("creation_time", ""))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def load(source: str, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """`[start, end)` of `source` as one float32 array of 16 kHz mono samples; shorter if the sound ends before."""
    blocks = list(decode(source, start, end))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def decode(source: str, start: float = 0.0, end: float | None = None) -> Iterator[np.ndarray]:
    """Yields `[start, end)` of `source` as consecutive float32 blocks of 16 kHz mono samples in -1..1.

    The first sample is the one at `start` seconds; gaps in the stream's timeline come out as silence, so sample n lies
    at `start + n / 16000`. Nothing after `end` is decoded. Packets that cannot be decoded count as gaps, and what
    cannot be read at the end is left out. Raises what `probe` raises.
    """
    with open_sound(source) as (container, stream):
        yield from _passage(source, container, stream, start, end)


def passages(source: str, spans: Iterable[Span]) -> Iterator[np.ndarray]:
    """As `load` for each of `spans`, which are in order of time, with the file opened once.

    Formats without an index are searched from where the last span ended instead of from the beginning each time.
    """
    with open_sound(source) as (container, stream):
        for span in spans:
            blocks = list(_passage(source, container, stream, span.start, span.end))
            yield np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _passage(
    source: str, container: InputContainer, stream: AudioStream, start: float, end: float | None
) -> Iterator[np.ndarray]:
    wanted = None if end is None else max(0, round(end * RATE) - round(start * RATE))
    if wanted == 0:
        return
    given = 0
    frames = _frames_from(source, container, stream, start)
    for samples in _from_start(_resampled(frames, end), start):
        block = samples if wanted is None else samples[: wanted - given]
        given += len(block)
        yield block
        if given == wanted:
            return


def _origin(container: InputContainer, stream: AudioStream) -> float:
    """The moment a player shows as 0:00, on the stream's own clock, in seconds."""
    if container.start_time is not None:
        return container.start_time / av.time_base
    return _seconds(stream.start_time, stream)


def _seconds(ticks: int | None, stream: AudioStream) -> float:
    return float(ticks * stream.time_base) if ticks is not None and stream.time_base else 0.0


def _declared_duration(container: InputContainer, stream: AudioStream) -> float:
    """What the container says, or 0.0: often a guess from the bit rate, or what a recorder meant to write."""
    if stream.duration:
        return _seconds(stream.duration, stream) + max(
            0.0, _seconds(stream.start_time, stream) - _origin(container, stream)
        )
    return container.duration / av.time_base if container.duration else 0.0


def _duration(source: str, declared: float) -> float:
    end = _last_moment(source, max(0.0, declared - TAIL)) if declared else 0.0
    end = end or _last_moment(source, 0.0)
    if not end:
        raise Invalid("The recording holds no sound: it is 0 seconds long.")
    # Packets count what encoders pad at the end; a declared length does not.
    return round(declared if abs(end - declared) < 0.1 else end, 4)


def _last_moment(source: str, after: float) -> float:
    """Where the last packet of sound ends, in seconds, read from `after` on; 0.0 if there is none."""
    last = counted = 0.0
    with open_sound(source) as (container, stream):
        origin = _origin(container, stream)
        if after and not _seek(container, stream, after + origin):
            return 0.0
        for packet in _packets(source, container, stream):
            length = _seconds(packet.duration, stream)
            counted += length
            if packet.pts is not None:
                last = max(last, _seconds(packet.pts, stream) - origin + length)
            elif not after:
                last = max(last, counted)
    return last if last > after else 0.0


def _require_sound(source: str, container: InputContainer, stream: AudioStream) -> None:
    tried = 0
    for packet in _packets(source, container, stream):
        if any(frame.samples for frame in _decoded(packet)):
            return
        tried += bool(packet.size)
        if tried >= FIRST_PACKETS:
            break
    if tried:
        raise Invalid("The sound in this file cannot be decoded.")
    raise Invalid("The recording holds no sound: it is 0 seconds long.")


def _seek(container: InputContainer, stream: AudioStream, moment: float) -> bool:
    if not stream.time_base:
        return False
    try:
        container.seek(round(moment / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return False  # some formats and servers cannot seek: reading on from the beginning always works
    return True


def _packets(source: str, container: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    """The stream's packets, the empty one that flushes the decoder last; goes on after broken ones."""
    broken = 0
    while broken < BROKEN_READS:
        try:
            for packet in container.demux(stream):
                broken = 0
                yield packet
            return
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            broken += 1
        except av.error.FFmpegError as error:
            if is_url(source):
                raise Unavailable(f"The connection to the recording's file broke: {error.strerror}.") from error
            broken += 1


def _decoded(packet: Packet) -> list[AudioFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
    except av.error.FFmpegError:
        return []


def _frames_from(
    source: str, container: InputContainer, stream: AudioStream, start: float
) -> Iterator[tuple[float, AudioFrame]]:
    """Decoded frames with their times in seconds, from at least `WARM_UP` before `start` on."""
    origin = _origin(container, stream)
    begin = max(0.0, start - WARM_UP)
    if begin and _seek(container, stream, begin + origin):
        frames = _timed(_packets(source, container, stream), stream, origin)
        first = next(frames, None)
        if first is not None and first[0] <= start:
            yield first
            yield from frames
            return
        _seek(container, stream, origin)
    yield from _timed(_packets(source, container, stream), stream, origin)


def _timed(packets: Iterator[Packet], stream: AudioStream, origin: float) -> Iterator[tuple[float, AudioFrame]]:
    """Frames with times that only go forward: jumps no silence can explain are taken out."""
    expected: float | None = None
    shift, last = 0.0, -math.inf
    for packet in packets:
        for frame in _decoded(packet):
            told = _seconds(frame.pts, stream) - origin if frame.pts is not None else -math.inf
            time = told + shift if told > last else expected or 0.0
            last = max(last, told)
            if expected is not None and not expected - 1.0 <= time <= expected + LONGEST_GAP:
                shift += expected - time
                time = expected
            expected = time + frame.samples / frame.sample_rate
            yield time, frame


class _Run:
    """A stretch of frames of one format without gaps, on its way through one resampler."""

    def __init__(self, begin: float, frame: AudioFrame) -> None:
        self._kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        self._begin, self._taken, self._given = begin, 0, 0
        self._fifo = AudioFifo()
        # 16 bit output makes libswresample scale a downmix so that it cannot clip; with floats it does not.
        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)

    def continues(self, time: float, frame: AudioFrame) -> bool:
        same = (frame.format.name, frame.layout.name, frame.sample_rate) == self._kind
        return same and abs(self._begin + self._taken / frame.sample_rate - time) <= JITTER

    def add(self, frame: AudioFrame) -> Iterator[tuple[float, np.ndarray]]:
        self._taken += frame.samples
        frame.pts = None
        self._fifo.write(frame)
        if self._fifo.samples >= BLOCK_SAMPLES:
            yield from self._converted(self._fifo.read())

    def finish(self) -> Iterator[tuple[float, np.ndarray]]:
        if self._fifo.samples:
            yield from self._converted(self._fifo.read())
        yield from self._converted(None)

    def _converted(self, frame: AudioFrame | None) -> Iterator[tuple[float, np.ndarray]]:
        for converted in self._resampler.resample(frame):
            samples = converted.to_ndarray().reshape(-1).astype(np.float32) / 32768.0
            time = self._begin + self._given / RATE
            self._given += len(samples)
            yield time, samples


def _resampled(frames: Iterator[tuple[float, AudioFrame]], end: float | None) -> Iterator[tuple[float, np.ndarray]]:
    run: _Run | None = None
    for time, frame in frames:
        if end is not None and time >= end + JITTER:
            break
        if run is None or not run.continues(time, frame):
            if run is not None:
                yield from run.finish()
            run = _Run(time, frame)
        yield from run.add(frame)
    if run is not None:
        yield from run.finish()


def _from_start(blocks: Iterator[tuple[float, np.ndarray]], start: float) -> Iterator[np.ndarray]:
    """Cuts what lies before `start`, fills gaps with silence, drops overlaps."""
    origin, given = round(start * RATE), 0
    for time, samples in blocks:
        at = round(time * RATE) - origin
        while at > given:
            silence = np.zeros(min(at - given, BLOCK_SAMPLES), np.float32)
            given += len(silence)
            yield silence
        fresh = samples[given - at :]
        if len(fresh):
            given += len(fresh)
            yield fresh
