"""What the work around recognition costs: CPU time against the least that any Whisper pipeline does, and memory.

Ours: probe, plan, and slice by slice decode, find speech, pack, assemble (with made-up words). The yardstick:
`faster_whisper.audio.decode_audio` and `get_speech_timestamps` of the same file. Run: python -m bench.overhead
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av

from functions.gpu.assemble import Assembler
from functions.gpu.audio import load, probe
from functions.gpu.slices import pack, plan, slices
from functions.gpu.vad import speech
from shared.domain.transcripts import Diarization, SliceResult, Span, Turn, Word

SAMPLE = Path(__file__).parent.parent / "samples" / "meeting.flac"
SLICE_SECONDS = 600.0
HOUR = 3600.0
RUNS = 3
WORD_SECONDS, TURN_SECONDS = 0.4, 5.0


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core
    with tempfile.TemporaryDirectory() as folder:
        hour = make_long(Path(folder) / "hour.mp3", HOUR)
        # Memory first: on Linux a child's peak begins at what its parent held when it was started.
        small = _peak_megabytes(hour)
        large = _peak_megabytes(make_long(Path(folder) / "ten.mp3", 10 * HOUR))
        ours, theirs = [], []
        for _ in range(RUNS):
            theirs.append(_cpu_seconds(yardstick, hour))
            ours.append(_cpu_seconds(walk, hour))
        print(f"ours: {min(ours):.2f} s CPU per hour of audio")
        print(f"yardstick: {min(theirs):.2f} s CPU per hour of audio")
        print(f"overhead ratio: {min(ours) / min(theirs):.2f} (target <= 1.1)")
        print(f"peak memory 1 h: {small:.0f} MB (target < 500)")
        print(f"peak memory 10 h: {large:.0f} MB (target < 500)")
        print(f"memory growth 1 h to 10 h: {large / small:.2f} (target <= 1.2)")


def walk(source: str) -> int:
    """All steps of a transcription but the recognition, slice after slice as a worker does; returns the segments."""
    duration = probe(source).duration
    turns = tuple(Turn(i * TURN_SECONDS, (i + 1) * TURN_SECONDS, i % 3) for i in range(int(duration / TURN_SECONDS)))
    assembler = Assembler(Diarization(turns, "made up"))
    segments = 0
    for part in slices(plan(source, duration, SLICE_SECONDS)):
        samples = load(source, part.start, part.end)
        windows = pack(speech(samples, part.start), samples=samples, offset=part.start)
        words = tuple(word for window in windows for word in _made_up(window))
        segments += len(assembler.add(SliceResult(part.index, words, 0.0)))
    return segments + len(assembler.finish())


def yardstick(source: str) -> int:
    from faster_whisper.audio import decode_audio
    from faster_whisper.vad import get_speech_timestamps

    samples = decode_audio(source)
    assert not isinstance(samples, tuple)  # that is two channels, which nobody asked for
    return len(get_speech_timestamps(samples))


def make_long(path: Path, seconds: float) -> str:
    """The sample as MP3 (44.1 kHz, 96 kbit/s), its packets repeated until `seconds` are full."""
    with tempfile.TemporaryDirectory() as folder:
        once = Path(folder) / "once.mp3"
        with av.open(str(SAMPLE)) as source, av.open(str(once), "w") as target:
            stream = target.add_stream("mp3", rate=44100, layout="mono", bit_rate=96_000)
            resampler = av.AudioResampler("fltp", "mono", 44100, frame_size=1152)
            for frame in [*source.decode(audio=0), None]:
                for converted in resampler.resample(frame):
                    target.mux(stream.encode(converted))
            target.mux(stream.encode(None))
        _repeat(once, path, seconds)
    return str(path)


def _repeat(once: Path, path: Path, seconds: float) -> None:
    with av.open(str(path), "w") as target:
        stream, at, told = None, 0, 0.0
        while told < seconds:
            with av.open(str(once)) as source:
                stream = stream or target.add_stream_from_template(source.streams.audio[0])
                for packet in source.demux(audio=0):
                    if packet.size:
                        packet.pts = packet.dts = at
                        at += packet.duration or 0
                        told = float(at * packet.time_base)
                        packet.stream = stream
                        target.mux(packet)


def _made_up(window: Span) -> Iterator[Word]:
    count = int((window.end - window.start) / WORD_SECONDS)
    for i in range(count):
        begin = window.start + i * WORD_SECONDS
        yield Word("word", begin, begin + 0.9 * WORD_SECONDS, 0.9)


def _cpu_seconds(work, source: str) -> float:
    begun = time.process_time()
    work(source)
    return time.process_time() - begun


def _peak_megabytes(source: str) -> float:
    """The most memory a fresh process holds while it walks through `source`."""
    done = subprocess.run([sys.executable, "-m", "bench.overhead", source], check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        walk(sys.argv[1])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    else:
        main()
