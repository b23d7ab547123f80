"""What transcription here can do, in the Speakr API."""

from typing import Any

from fastapi import APIRouter

from api.callers import CallerOf, CoreOf
from shared.dialects.speakr import connector as phrase
from shared.services import connector

router = APIRouter(tags=["Processing"])


@router.get("/transcription", response_model=phrase.ConnectorAnswer)
def transcription(core: CoreOf, caller: CallerOf) -> Any:
    """The speech recognition behind this server, and the models to choose from."""
    return phrase.connector(connector.describe(core, caller))
