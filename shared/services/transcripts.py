"""Reading the transcript of a recording."""

from dataclasses import dataclass

from shared.db import recordings, segments, templates
from shared.db.database import Transaction
from shared.domain.accounts import Caller
from shared.domain.errors import NotFound
from shared.domain.exports import as_text
from shared.domain.recordings import Recording, SpeakerNames
from shared.domain.templates import render
from shared.domain.transcripts import Segment
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found


@dataclass(frozen=True, slots=True)
class Transcript:
    recording: Recording
    segments: tuple[Segment, ...]
    names: SpeakerNames


def get(core: Core, caller: Caller, recording_id: int, *, words: bool = False) -> Transcript:
    """Raises NotFound also while there is no transcript yet."""
    with core.db.begin() as tx:
        return _read(tx, caller, recording_id, words=words)


def rendered(core: Core, caller: Caller, recording_id: int) -> str:
    """The transcript as one text, as the caller's default template has it.

    Raises NotFound as `get` does, TooLarge for a template that makes too much of it.
    """
    with core.db.begin() as tx:
        transcript = _read(tx, caller, recording_id)
        template = templates.default(tx, caller.user_id)
    if template is None:
        return as_text(transcript.segments, transcript.names)
    return render(template, transcript.segments, transcript.names)


def _read(tx: Transaction, caller: Caller, recording_id: int, *, words: bool = False) -> Transcript:
    recording = found(recordings.by_id(tx, recording_id), "recording")
    access.check(caller, Action.READ, recording)
    if recording.transcript_job_id is None:
        raise NotFound("The recording has no transcript yet.")
    return Transcript(
        recording,
        tuple(segments.of_job(tx, recording.transcript_job_id, words=words)),
        recordings.speaker_names(tx, recording_id),
    )
