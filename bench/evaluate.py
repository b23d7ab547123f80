"""How good the speech work is: words, speakers and speed, of the very pipeline that jobs run.

    python -m bench.evaluate [--audio FILE --reference FILE | FOLDER] [--engine E] [--model M] [--slice-seconds S]

A reference is a JSON list of {"start", "end", "voice", "text"}; a folder holds pairs NAME.* and NAME.ref.json.
WER: word errors per reference word; lower case, no punctuation. DER: diarization error rate without collar.
Word-speaker accuracy: of the recognized words that align with a reference word (equal or substituted), the share whose
speaker is right, with the one-to-one mapping of speakers that fits best; words missed or invented do not count.
"""

import argparse
import json
import re
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import jiwer
import numpy as np
from pyannote.core import Annotation
from pyannote.core import Segment as Stretch
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.optimize import linear_sum_assignment

from functions.gpu import pipeline
from functions.gpu.pipeline import Engines
from shared.adapters.memory_reports import MemoryReports
from shared.domain.tasks import TranscribeOptions, TranscribeTask
from shared.domain.transcripts import Diarization, Segment
from shared.wiring.gpu import engines
from shared.wiring.settings import Settings

SAMPLES = Path(__file__).parent.parent / "samples"
PROCESSES = 2


@dataclass(frozen=True)
class Score:
    name: str
    wer: float
    der: float
    speakers_found: int
    speakers_true: int
    word_speaker_accuracy: float
    seconds: float
    real_time_factor: float
    model: str


def main() -> None:
    arguments = _arguments()
    warnings.filterwarnings("ignore", module="pyannote")
    chosen = engines(Settings(engine=arguments.engine, model=arguments.model), PROCESSES)
    scores = [evaluate(audio, reference, chosen, arguments.slice_seconds) for audio, reference in _pairs(arguments)]
    _print(scores)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps([asdict(score) for score in scores], indent=1) + "\n")


def evaluate(audio: Path, reference: Path, by: Engines, slice_seconds: float | None = None) -> Score:
    """Runs the pipeline over `audio` and compares what it reports with `reference`."""
    truth = json.loads(reference.read_text())
    begun = time.perf_counter()
    reports = MemoryReports()
    options = TranscribeOptions(slice_seconds=slice_seconds, summarize=False)
    pipeline.run(TranscribeTask(0, 1, str(audio), "", "", options), reports, by)
    seconds = time.perf_counter() - begun
    if reports.completed is None or reports.started is None or reports.diarization is None:
        raise SystemExit(f"{audio}: {reports.failed.reason if reports.failed else 'no result'}")
    segments, diarization = reports.segments, reports.diarization
    return Score(
        name=audio.stem,
        wer=jiwer.wer(" ".join(_reference_words(truth)[0]), " ".join(_heard_words(segments)[0])),
        der=_der(truth, diarization),
        speakers_found=diarization.speakers,
        speakers_true=len({turn["voice"] for turn in truth}),
        word_speaker_accuracy=word_speaker_accuracy(*_reference_words(truth), *_heard_words(segments)),
        seconds=seconds,
        real_time_factor=seconds / reports.started.duration,
        model=reports.started.model,
    )


def normalize(text: str) -> list[str]:
    """Lower case words without punctuation; hyphens part words."""
    return re.sub(r"[^\w' ]", "", text.lower().replace("-", " ").replace("’", "'")).split()


def _reference_words(truth: list[dict]) -> tuple[list[str], list[str]]:
    pairs = [(word, turn["voice"]) for turn in truth for word in normalize(turn["text"])]
    return [word for word, _ in pairs], [voice for _, voice in pairs]


def _heard_words(segments: list[Segment]) -> tuple[list[str], list[str]]:
    pairs = [(text, str(s.speaker)) for s in segments for word in s.words for text in normalize(word.text)]
    return [text for text, _ in pairs], [speaker for _, speaker in pairs]


def word_speaker_accuracy(said: list[str], voices: list[str], heard: list[str], speakers: list[str]) -> float:
    """The share of aligned words with the right speaker under the best mapping (Hungarian); see the module."""
    rows, columns = sorted(set(voices)), sorted(set(speakers))
    counts = np.zeros((len(rows), len(columns)))
    for chunk in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        if chunk.type in ("equal", "substitute"):
            for i, j in zip(
                range(chunk.ref_start_idx, chunk.ref_end_idx),
                range(chunk.hyp_start_idx, chunk.hyp_end_idx),
                strict=True,
            ):
                counts[rows.index(voices[i]), columns.index(speakers[j])] += 1
    return float(counts[linear_sum_assignment(-counts)].sum() / max(1.0, counts.sum()))


def _der(truth: list[dict], diarization: Diarization) -> float:
    reference, found = Annotation(), Annotation()
    for index, turn in enumerate(truth):
        reference[Stretch(turn["start"], turn["end"]), index] = turn["voice"]
    for index, turn in enumerate(diarization.turns):
        found[Stretch(turn.start, turn.end), index] = str(turn.speaker)
    rate = DiarizationErrorRate(collar=0.0)
    rate(reference, found)
    return abs(rate)


def _print(scores: list[Score]) -> None:
    head = (
        f"{'recording':<20} {'WER':>6} {'DER':>6} {'speakers':>8} {'word-speaker':>12} {'seconds':>8} {'RTF':>6}  model"
    )
    print(head)
    for score in scores:
        found = f"{score.speakers_found}/{score.speakers_true}"
        print(
            f"{score.name:<20} {score.wer:6.3f} {score.der:6.3f} {found:>8} {score.word_speaker_accuracy:12.3f}"
            f" {score.seconds:8.1f} {score.real_time_factor:6.2f}  {score.model}"
        )


def _pairs(arguments: argparse.Namespace) -> list[tuple[Path, Path]]:
    if arguments.audio:
        audio = Path(arguments.audio)
        return [(audio, Path(arguments.reference) if arguments.reference else _reference_of(audio))]
    folder = Path(arguments.folder)
    audios = [path for path in sorted(folder.iterdir()) if path.suffix != ".json" and _reference_of(path).exists()]
    if not audios:
        raise SystemExit(f"{folder} holds no recording with a NAME.ref.json beside it.")
    return [(audio, _reference_of(audio)) for audio in audios]


def _reference_of(audio: Path) -> Path:
    return audio.with_suffix(".ref.json")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How good the speech work is.")
    parser.add_argument("folder", nargs="?", default=str(SAMPLES))
    parser.add_argument("--audio")
    parser.add_argument("--reference")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--model")
    parser.add_argument("--slice-seconds", type=float)
    parser.add_argument("--json", help="also write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
