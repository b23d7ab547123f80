"""Recordings in which voices of our choice speak, as a worker would report them."""

from shared.domain.accounts import Caller
from shared.domain.recordings import Recording
from shared.domain.tasks import Diarized, SegmentsReady, TranscribeTask
from shared.domain.transcripts import Diarization, Segment, Turn
from shared.services import attempts
from tests.support.world import STARTED, World, completed

Voice = tuple[float, ...]

#: Voices that have nothing in common.
LOW, HIGH, HOARSE = (2.0, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0)


def between(one: Voice, other: Voice, share: float) -> Voice:
    """A voice whose cosine to `one` is `share`, for two of those above."""
    return tuple(share * a / max(one) + (1 - share**2) ** 0.5 * b / max(other) for a, b in zip(one, other, strict=True))


def talk(
    world: World,
    *speakers: int | None,
    voices: tuple[Voice, ...] = (),
    kind: str = "test",
    caller: Caller | None = None,
    title: str = "",
) -> Recording:
    """A recording with a transcript: one segment by each of `speakers`, in this order."""
    recording, task = world.launched(caller, title)
    report_talk(world, task, *speakers, voices=voices, kind=kind)
    return recording


def talk_again(world: World, recording: Recording, *speakers: int, voices: tuple[Voice, ...] = ()) -> None:
    """Transcribes a recording of ann's once more."""
    world.submit(recording)
    attempts.launch_due(world.core)
    report_talk(world, world.launcher.tasks[-1], *speakers, voices=voices)


def report_talk(
    world: World, task: TranscribeTask, *speakers: int | None, voices: tuple[Voice, ...] = (), kind: str = "test"
) -> None:
    turns = tuple(Turn(float(at), at + 1.0, who) for at, who in enumerate(speakers) if who is not None)
    said = tuple(Segment(at, float(at), at + 1.0, f"Sentence {at}.", who) for at, who in enumerate(speakers))
    diarized = Diarized(Diarization(turns, "test", voices, kind))
    assert world.report(task, STARTED, diarized, SegmentsReady(said), completed())
