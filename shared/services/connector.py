"""What the speech recognition of this installation can do."""

from dataclasses import dataclass

from shared.domain.accounts import Caller, Scope
from shared.domain.models import WHISPER_MODELS, known_model
from shared.services import access
from shared.services.core import Core

_EMBEDDED = "pocketsphinx"


@dataclass(frozen=True, slots=True)
class Connector:
    """`takes_hints`: whether hotwords and an initial prompt do anything. `models` may be asked for by name."""

    takes_hints: bool
    models: tuple[str, ...]
    default_model: str | None


def describe(core: Core, caller: Caller) -> Connector:
    """Where the engine is left to the workers it may be either: then what the better one can do."""
    access.need(caller, Scope.READ)
    if core.policy.engine == _EMBEDDED:
        return Connector(takes_hints=False, models=(), default_model=None)
    return Connector(takes_hints=True, models=WHISPER_MODELS, default_model=known_model(core.policy.model))
