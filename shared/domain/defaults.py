"""What tags, folders, the server and a person's preferences say for recordings that leave it open."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.domain.errors import Invalid
from shared.domain.languages import normalize_language
from shared.domain.models import resolve_model
from shared.domain.recordings import TEXT_LENGTH, check_speaker_bounds, check_storable, clean_text
from shared.domain.tasks import TranscribeOptions

PROMPT_LENGTH = 10_000
RETENTION_DAYS = 36_500
#: In place of a number of days: never deleted by age.
KEPT = -1

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_VARIABLES = 50
_VALUE_LENGTH = 8_000
_VALUES_LENGTH = 32_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """None leaves it to the next who is asked."""

    custom_prompt: str | None = None
    default_language: str | None = None
    default_min_speakers: int | None = None
    default_max_speakers: int | None = None
    default_hotwords: str | None = None
    default_initial_prompt: str | None = None
    default_transcription_model: str | None = None


def resolve(asked: TranscribeOptions, sources: Iterable[Defaults]) -> TranscribeOptions:
    """`asked`, with what it leaves open from the first source that says it, field by field.

    A number of speakers that contradicts one of a stronger source is passed over.
    """
    for source in sources:
        low, high = asked.min_speakers, asked.max_speakers
        if low is None and _fits(source.default_min_speakers, high):
            low = source.default_min_speakers
        if high is None and _fits(low, source.default_max_speakers):
            high = source.default_max_speakers
        asked = replace(
            asked,
            language=asked.language or source.default_language,
            min_speakers=low,
            max_speakers=high,
            hotwords=asked.hotwords or source.default_hotwords,
            initial_prompt=asked.initial_prompt or source.default_initial_prompt,
            model=asked.model or source.default_transcription_model,
        )
    return asked


def _fits(low: int | None, high: int | None) -> bool:
    return low is None or high is None or low <= high


def summary_prompt(
    tags: Sequence[Defaults], folder: Defaults | None, preferred: str | None, variables: Mapping[str, str]
) -> str | None:
    """What summaries of a recording are to look at: what all its tags say, else its folder, else its owner."""
    prompts = [tag.custom_prompt for tag in tags if tag.custom_prompt]
    prompt = "\n\n".join(prompts) or (folder and folder.custom_prompt) or preferred or ""
    return filled(prompt, variables).strip() or None


def filled(prompt: str, variables: Mapping[str, str]) -> str:
    """The prompt with `{{name}}` replaced by the variable, or by nothing; cut off where it gets too long."""
    pieces: list[str] = []
    length = at = 0
    for found in _PLACEHOLDER.finditer(prompt):
        pieces += [prompt[at : found.start()], variables.get(found[1], "")]
        length += len(pieces[-2]) + len(pieces[-1])
        at = found.end()
        if length > TEXT_LENGTH:
            break
    return "".join([*pieces, prompt[at:]])[:TEXT_LENGTH]


def clean_variables(given: Mapping[str, Any]) -> dict[str, str]:
    """Prompt variables as text. Raises Invalid when they are too many, too long or oddly named."""
    if len(given) > _VARIABLES:
        raise Invalid(f"There may be at most {_VARIABLES} prompt_variables; these are {len(given)}.")
    variables = {name: _clean_variable(name, value) for name, value in given.items()}
    if sum(map(len, variables.values())) > _VALUES_LENGTH:
        raise Invalid(f"All prompt_variables together may have at most {_VALUES_LENGTH} characters.")
    return variables


def _clean_variable(name: str, value: object) -> str:
    if not _VARIABLE.fullmatch(name):
        raise Invalid("The names of prompt_variables are letters, digits and _, and do not begin with a digit.")
    if not isinstance(value, str | int | float | None):
        raise Invalid(f"The prompt variable {name} has to be a text.")
    text = "" if value is None else str(value)
    check_storable(f"The prompt variable {name}", text)
    if len(text) > _VALUE_LENGTH:
        raise Invalid(f"The prompt variable {name} may have at most {_VALUE_LENGTH} characters.")
    return text


def clean_name(noun: str, name: str, length: int) -> str:
    """Raises Invalid when there is none, or it is longer than `length`."""
    name = " ".join(name.split())
    if not name:
        raise Invalid(f"A {noun} needs a name.")
    check_storable("name", name)
    if len(name) > length:
        raise Invalid(f"The name of a {noun} may have at most {length} characters; this one has {len(name)}.")
    return name


def clean_color(color: str) -> str:
    """Raises Invalid."""
    if not _COLOR.fullmatch(color):
        raise Invalid("color has to look like #3B82F6.")
    return color


def _language(_: str, value: str | None) -> str | None:
    return normalize_language(value)


def _model(_: str, value: str | None) -> str | None:
    return resolve_model(value) if value and value.strip() else None


def _prompt(name: str, value: str | None) -> str | None:
    text = clean_text(name, value)
    if text is not None and len(text) > PROMPT_LENGTH:
        raise Invalid(f"{name} may have at most {PROMPT_LENGTH} characters; this one has {len(text)}.")
    return text


_CLEANERS: Mapping[str, Callable[[str, Any], Any]] = {
    "custom_prompt": _prompt,
    "default_language": _language,
    "default_min_speakers": lambda _, value: value,
    "default_max_speakers": lambda _, value: value,
    "default_hotwords": _prompt,
    "default_initial_prompt": _prompt,
    "default_transcription_model": _model,
}


def clean_defaults(given: Mapping[str, Any], before: Defaults) -> dict[str, Any]:
    """Those of `given` that are fields of Defaults, in their normal form, `before` being what they change.

    Raises Invalid with a sentence that names the wrong value.
    """
    clean = {name: cleaner(name, given[name]) for name, cleaner in _CLEANERS.items() if name in given}
    after = replace(before, **clean)
    check_speaker_bounds(
        TranscribeOptions(min_speakers=after.default_min_speakers, max_speakers=after.default_max_speakers)
    )
    return clean


def clean_protection(given: Mapping[str, Any], *, auto_deletion: bool, new: bool) -> dict[str, Any]:
    """`protect_from_deletion` and `retention_days` of a tag or folder, as far as `given` says something of them.

    KEPT protects only where recordings are deleted by age at all; elsewhere a change to it is ignored.
    """
    said = {"protect_from_deletion": given["protect_from_deletion"]} if "protect_from_deletion" in given else {}
    days = given.get("retention_days")
    if days is not None and not KEPT <= days <= RETENTION_DAYS:
        raise Invalid(f"retention_days has to be a number from 1 to {RETENTION_DAYS}, or -1 for ever.")
    if "retention_days" not in given or (days == KEPT and not auto_deletion and not new):
        return said
    if days == KEPT:
        return {"protect_from_deletion": auto_deletion, "retention_days": KEPT}
    return {"protect_from_deletion": False, **said, "retention_days": days or None}
