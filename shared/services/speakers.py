"""The people a user knows, and whom the voices of a recording may belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.db import accounts, recordings, speakers, voices
from shared.db.database import Transaction
from shared.domain.accounts import Caller, Scope
from shared.domain.errors import Invalid
from shared.domain.recordings import Recording
from shared.domain.speakers import (
    NAMED,
    SUGGESTED,
    SUGGESTED_LOOSELY,
    TOO_CLOSE,
    Label,
    Speaker,
    Suggestion,
    certain,
    clean_name,
    unit,
)
from shared.domain.transcripts import Diarization
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found
from shared.services.outbox import recordings_updated

#: What an edit of names changes, in the words of the API.
CHANGED = ("participants", "transcription")


def page(core: Core, caller: Caller) -> list[Speaker]:
    """All people of the caller, the most used first."""
    access.need(caller, Scope.READ)
    with core.db.begin() as tx:
        return speakers.of_user(tx, caller.user_id)


def create(core: Core, caller: Caller, name: str) -> Speaker:
    """Raises Invalid when the caller knows somebody of that name."""
    access.need(caller, Scope.WRITE)
    name = clean_name(name)
    with core.db.begin() as tx:
        speaker = speakers.add(tx, caller.user_id, name)
    if speaker is None:
        raise _taken(name)
    return speaker


def rename(core: Core, caller: Caller, speaker_id: int, name: str) -> Speaker:
    """Also in every recording of the caller. Raises NotFound, Forbidden, and Invalid where the name is taken."""
    name = clean_name(name)
    renamed = None
    while renamed is None:
        renamed = _rename(core, caller, speaker_id, name)
    return renamed


def _rename(core: Core, caller: Caller, speaker_id: int, name: str) -> Speaker | None:
    """None when somebody has named a label meanwhile: recordings have to be locked before speakers."""
    with core.db.begin() as tx:
        speaker = found(speakers.by_id(tx, speaker_id), "speaker")
        access.check(caller, Action.CHANGE, speaker)
        titles = speakers.recordings_of(tx, speaker, lock=True)
        # A new name may be one that somebody is just making, who may be about to use this speaker, too.
        accounts.lock_user(tx, speaker.user_id)
        held = found(speakers.by_id(tx, speaker_id, lock=True), "speaker")
        if held.name != speaker.name or not speakers.recordings_of(tx, speaker).keys() <= titles.keys():
            return None
        if name != speaker.name:
            if not speakers.rename(tx, speaker_id, name):
                raise _taken(name)
            speakers.rename_participants(tx, list(titles), speaker, name)
            recordings_updated(core, tx, speaker.user_id, titles, CHANGED)
        return found(speakers.by_id(tx, speaker_id), "speaker")


def delete(core: Core, caller: Caller, speaker_id: int) -> None:
    """The voice goes; recordings keep the name. Raises NotFound, then Forbidden."""
    while not _delete(core, caller, speaker_id):
        pass


def _delete(core: Core, caller: Caller, speaker_id: int) -> bool:
    """As `_rename`: False when it has to begin anew."""
    with core.db.begin() as tx:
        speaker = found(speakers.by_id(tx, speaker_id), "speaker")
        access.check(caller, Action.DELETE, speaker)
        held = speakers.recordings_linked(tx, speaker, lock=True)
        found(speakers.by_id(tx, speaker_id, lock=True), "speaker")
        if not speakers.recordings_linked(tx, speaker).keys() <= held.keys():
            return False
        speakers.remove(tx, speaker_id)
        return True


@dataclass(frozen=True, slots=True)
class Voices:
    """The labels of a transcript by first appearance, and by speaker who they may be."""

    labels: Sequence[Label]
    suggestions: Mapping[int, Sequence[Suggestion]]


def of_recording(core: Core, caller: Caller, recording_id: int) -> Voices:
    """Who speaks in a recording. Labels that have a name get no suggestions, nor do those that sound like nobody."""
    with core.db.begin() as tx:
        recording = found_recording(tx, caller, recording_id, Action.READ)
        labels = speakers.labels(tx, recording_id, recording.transcript_job_id)
        found = voices.suggestions(tx, recording_id, recording.user_id, SUGGESTED)
    nameless = {label.speaker for label in labels if label.name is None}
    return Voices(labels, {speaker: each for speaker, each in found.items() if each and speaker in nameless})


def suggestions(core: Core, caller: Caller, recording_id: int) -> Mapping[int, Sequence[Suggestion]]:
    """For each label whose voice is known, whom it may be, if anybody."""
    with core.db.begin() as tx:
        recording = found_recording(tx, caller, recording_id, Action.READ)
        return voices.suggestions(tx, recording_id, recording.user_id, SUGGESTED_LOOSELY)


def take_voices(core: Core, tx: Transaction, recording: Recording, diarization: Diarization | None) -> None:
    """A new transcript is there: its labels are not those of the old one, and may get names by their voices.

    The recording is locked, and no speaker yet.
    """
    speakers.forget_labels(tx, recording.id)
    heard = {} if diarization is None else _usable(diarization)
    voices.replace(tx, recording.id, diarization.voice_kind if diarization else "", heard)
    if not heard:
        return
    wishes = accounts.preferences(tx, recording.user_id)
    if wishes.auto_speaker_labelling:
        _name_by_voice(core, tx, recording, NAMED[wishes.auto_speaker_labelling_threshold])


def _usable(diarization: Diarization) -> dict[int, tuple[float, ...]]:
    known = {speaker: unit(voice) for speaker, voice in enumerate(diarization.voices)}
    return {speaker: voice for speaker, voice in known.items() if voice is not None}


def _name_by_voice(core: Core, tx: Transaction, recording: Recording, threshold: float) -> None:
    # Who falls short of the threshold by a little may still be too near to the best.
    found = voices.suggestions(tx, recording.id, recording.user_id, threshold - TOO_CLOSE)
    best = {speaker: certain(candidates, threshold) for speaker, candidates in found.items()}
    people = {speaker: match.speaker_id for speaker, match in best.items() if match is not None}
    if not people:
        return
    spoken = speakers.spoken(tx, recording.id)
    people = {speaker: person for speaker, person in people.items() if speaker in spoken}
    names = speakers.use_known(tx, set(people.values()), core.now())
    named = {speaker: (names[person], person) for speaker, person in people.items() if person in names}
    speakers.add_named(tx, recording.id, named)


def found_recording(
    tx: Transaction, caller: Caller, recording_id: int, action: Action, *, lock: bool = False
) -> Recording:
    """Raises NotFound, then Forbidden."""
    recording = found(recordings.by_id(tx, recording_id, lock=lock), "recording")
    access.check(caller, action, recording)
    return recording


def _taken(name: str) -> Invalid:
    return Invalid(f"You have a speaker named {name} already.")
