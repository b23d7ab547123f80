"""How long it takes to write the export of a 10 h transcript. `python bench/exports.py`."""

import sys
from collections.abc import Callable
from time import perf_counter

from shared.domain.exports import NameOf, as_srt, as_text, as_vtt
from shared.domain.transcripts import Segment, speaker_label

COUNT = 9_000
RUNS = 15
SPOKEN = "we looked at the numbers for this quarter and some of the work can wait until the first week of march"


def ten_hours() -> list[Segment]:
    return [
        Segment(i, i * 4.0037, i * 4.0037 + 3.7391, SPOKEN[: 40 + 5 * (i % 12)], i % 4 if i % 50 else None)
        for i in range(COUNT)
    ]


def name_of(speaker: int | None) -> str | None:
    return None if speaker is None else speaker_label(speaker)


def best_milliseconds(export: Callable[[list[Segment], NameOf], str], segments: list[Segment]) -> float:
    times = []
    for _ in range(RUNS):
        began = perf_counter()
        export(segments, name_of)
        times.append(perf_counter() - began)
    return min(times) * 1000


def main() -> None:
    segments = ten_hours()
    out = sys.stdout.write
    out(f"srt {COUNT:,} segments: {best_milliseconds(as_srt, segments):.1f} ms (target <= 40 ms)\n")
    out(f"vtt {COUNT:,} segments: {best_milliseconds(as_vtt, segments):.1f} ms\n")
    out(f"text {COUNT:,} segments: {best_milliseconds(as_text, segments):.1f} ms\n")


if __name__ == "__main__":
    main()
