"""Who the voices of a recording may be, at an address that Speakr has outside of its versioned API."""

from typing import Any

from fastapi import APIRouter

from api.callers import CallerOf, CoreOf
from api.speakr.paths import Id
from shared.dialects.speakr import speakers as phrase
from shared.services import speakers

router = APIRouter(tags=["Speakers"])


@router.get("/speakers/suggestions/{recording_id}", response_model=phrase.Suggestions)
def suggestions(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """For each label whose voice is known, whom it sounds like: also less alike ones, and with names they have."""
    return phrase.suggestions(recording_id, speakers.suggestions(core, caller, recording_id))
