"""The speech recognition in Speakr's words."""

from typing import Any

from pydantic import BaseModel

from shared.domain.models import model_label
from shared.services.connector import Connector

#: Of the names that clients know, the one for a server that tells speakers apart by itself.
_NAME = "asr_endpoint"


class Capabilities(BaseModel):
    diarization: bool
    speaker_count_control: bool
    hotwords: bool
    initial_prompt: bool
    timestamps: bool
    language_detection: bool
    chunking: bool


class Model(BaseModel):
    value: str
    label: str


class ConnectorAnswer(BaseModel):
    connector: str | None
    capabilities: Capabilities
    models: list[Model]
    default_model: str | None


def connector(found: Connector) -> dict[str, Any]:
    always = ("diarization", "speaker_count_control", "timestamps", "language_detection", "chunking")
    return {
        "connector": _NAME,
        "capabilities": {
            **dict.fromkeys(always, True),
            "hotwords": found.takes_hints,
            "initial_prompt": found.takes_hints,
        },
        "models": [{"value": name, "label": model_label(name)} for name in found.models],
        "default_model": found.default_model,
    }
