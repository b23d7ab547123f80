"""People and their voices: what makes two voices alike, and when a label of a transcript gets a person's name."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.accounts import LabellingThreshold
from shared.domain.errors import Invalid, Unavailable
from shared.domain.recordings import Recording, check_storable
from shared.domain.transcripts import speaker_label

NAME_LENGTH = 255
#: How alike (0..1) a known voice has to sound to be suggested; the second is for who asks for suggestions alone.
SUGGESTED, SUGGESTED_LOOSELY = 0.70, 0.60
SUGGESTIONS = 3
#: How alike a voice has to sound for its label to get the name by itself.
NAMED = {LabellingThreshold.LOW: 0.3, LabellingThreshold.MEDIUM: 0.6, LabellingThreshold.HIGH: 0.8}
#: Two people whose voices are both this near are not told apart.
TOO_CLOSE = 0.05

_NEW_SHARE = 0.3
_REMEMBERED = 5
_MOST_DIMENSIONS = 4096
_RAW_LABEL = re.compile(r"SPEAKER_\d+", re.IGNORECASE)
_NOBODY = ("", "unknown", "none", "null", "n/a", "?")


@dataclass(frozen=True, slots=True)
class VoiceProfile:
    """What a person sounds like to one kind of engine: an embedding of length 1.

    `similarities` are those of the last samples to what the profile was before each (cosine).
    """

    kind: str
    embedding: tuple[float, ...]
    samples: int = 1
    similarities: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """A person whom a user knows. `confidence` says how well the voice is known, 0..1; None for no voice."""

    id: int
    user_id: int
    name: str
    use_count: int
    last_used_at: datetime | None
    created_at: datetime
    confidence: float | None = None

    @property
    def has_voice_profile(self) -> bool:
        return self.confidence is not None


@dataclass(frozen=True, slots=True)
class Label:
    """A voice of a transcript: None for what nobody is known to have said. `name` is whom people take it for."""

    speaker: int | None
    segments: int
    name: str | None = None
    speaker_id: int | None = None

    @property
    def text(self) -> str:
        return "Unknown" if self.speaker is None else speaker_label(self.speaker)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Who a voice may be. `similarity` is 0..1."""

    speaker_id: int
    name: str
    similarity: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wants a label to be called; `is_me` without a name is the caller's own."""

    name: str = ""
    is_me: bool = False


@dataclass(frozen=True, slots=True)
class Assigned:
    """`voices_learned` counts the labels by whose voices profiles became better."""

    recording: Recording
    summary_queued: bool
    voices_learned: int


def clean_name(name: str) -> str:
    """Raises Invalid for no name, and for one that is too long or cannot be kept."""
    name = " ".join(name.split())
    check_storable("name", name)
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Invalid(f"A name has 1 to {NAME_LENGTH} characters.")
    return name


def is_raw_label(name: str) -> bool:
    """Whether this is what a transcript calls somebody whom nobody has named."""
    return _RAW_LABEL.fullmatch(name) is not None


def unit(embedding: Sequence[float]) -> tuple[float, ...] | None:
    """The same direction with length 1; None for what has none."""
    if not 0 < len(embedding) <= _MOST_DIMENSIONS:
        return None
    length = math.hypot(*embedding)
    if not math.isfinite(length) or length < 1e-9:
        return None
    # What is next to nothing is nothing: it would be too small for the numbers of a vector in the database.
    return tuple(value / length if abs(value) > length * 1e-12 else 0.0 for value in embedding)


def similarity(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two voices, -1..1; 0 where they cannot be compared."""
    if len(one) != len(other):
        return 0.0
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(x * y for x, y in zip(one, other, strict=True)) / lengths if lengths else 0.0


def heard(profile: VoiceProfile | None, kind: str, voice: Sequence[float]) -> VoiceProfile:
    """The profile after one more sample: 70 % what it was, 30 % the sample, both of length 1.

    Without the common length a sample would count by how strongly the engine has felt about it, not by its share.
    """
    sample = unit(voice)
    assert sample is not None, "voices are stored with length 1"
    if profile is None or len(profile.embedding) != len(sample):
        return VoiceProfile(kind, sample)
    mixed = unit(
        [old * (1 - _NEW_SHARE) + new * _NEW_SHARE for old, new in zip(profile.embedding, sample, strict=True)]
    )
    similarities = (*profile.similarities, similarity(profile.embedding, sample))[-_REMEMBERED:]
    return VoiceProfile(kind, mixed or sample, profile.samples + 1, similarities)


def confidence(samples: int, similarities: Sequence[float]) -> float:
    """How well a voice is known, 0..1: it grows with the samples, and the more, the more alike they are."""
    if samples <= 1 or not similarities:
        return 0.5
    recent = similarities[-_REMEMBERED:]
    return max(0.0, min(1.0, sum(recent) / len(recent) * min(1.0, samples / _REMEMBERED)))


def certain(candidates: Sequence[Suggestion], threshold: float) -> Suggestion | None:
    """The best of the candidates (best first) if it is good enough and nobody else is as good."""
    if not candidates or candidates[0].similarity < threshold:
        return None
    if len(candidates) > 1 and candidates[0].similarity - candidates[1].similarity <= TOO_CLOSE:
        return None
    return candidates[0]


def called(labels: Iterable[Label], wanted: Mapping[str, str]) -> dict[int, str]:
    """Whom `wanted` names, by speaker: its keys are labels or current names; what fits none is left out.

    Two labels may bear the same name; then both get the new one, unless `wanted` knows the label itself.
    """
    found: dict[int, str] = {}
    for label in labels:
        if label.speaker is None:
            continue
        name = wanted.get(label.text) or (wanted.get(label.name) if label.name else None)
        # Clients like to send every label: one that stays what it is has not been named.
        if name and (label.name or not is_raw_label(name)):
            found[label.speaker] = name
    return found


def guessed_names(answer: str, labels: Iterable[str]) -> dict[str, str]:
    """What a language model has said of each label; "" where it does not know. Raises Unavailable for no answer."""
    said = _json_object(answer)
    return {label: _guessed_name(said.get(label)) for label in labels}


def _json_object(answer: str) -> dict[str, object]:
    # Models like to put a fence or a sentence around what they were asked for.
    begin, end = answer.find("{"), answer.rfind("}")
    try:
        said = json.loads(answer[begin : end + 1]) if 0 <= begin < end else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unavailable("The language model gave no answer that can be read.")
    return said


def _guessed_name(said: object) -> str:
    try:
        name = clean_name(said) if isinstance(said, str) else ""
    except Invalid:
        return ""
    return "" if name.lower() in _NOBODY or is_raw_label(name) else name
