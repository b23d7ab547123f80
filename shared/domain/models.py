"""The speech models people may ask for by name; both sides validate with this table."""

from shared.domain.errors import Invalid

WHISPER_MODELS = (
    "tiny",
    "tiny.en",
    "base",
    "base.en",
    "small",
    "small.en",
    "medium",
    "medium.en",
    "large-v1",
    "large-v2",
    "large-v3",
    "distil-large-v2",
    "distil-large-v3",
    "large-v3-turbo",
)
_ALIASES = {"turbo": "large-v3-turbo", "large": "large-v3"}
_PREFIXES = ("openai/whisper-", "systran/faster-whisper-", "systran/faster-", "distil-whisper/", "whisper-")


def resolve_model(name: str) -> str:
    """The table's name for `name` or an alias of it (`turbo`, `openai/whisper-small`); raises Invalid if unknown."""
    short = name.strip().lower()
    for prefix in _PREFIXES:
        short = short.removeprefix(prefix)
    short = _ALIASES.get(short, short)
    if short not in WHISPER_MODELS:
        raise Invalid(f"There is no speech model “{name}”. Known are: {', '.join(WHISPER_MODELS)}.")
    return short


def known_model(name: str | None) -> str | None:
    """As `resolve_model`, but None for what the table does not know."""
    try:
        return resolve_model(name) if name and name.strip() else None
    except Invalid:
        return None


def model_label(name: str) -> str:
    """For people: `small.en` -> `Whisper small (English)`."""
    bare = name.removesuffix(".en")
    return f"Whisper {bare.replace('-', ' ')}" + (" (English)" if bare != name else "")
