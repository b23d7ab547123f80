"""Appointments in the Speakr API."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.callers import CallerOf, CoreOf
from api.speakr.paths import RECORDING, Id
from shared.dialects.speakr import calendar as phrase
from shared.domain.errors import NotFound
from shared.services import calendar

router = APIRouter(tags=["Events"])


@router.get(f"{RECORDING}/events", response_model=phrase.EventsAnswer)
def events(recording_id: Id, core: CoreOf, caller: CallerOf) -> Any:
    """The appointments that people speak of."""
    return phrase.events(calendar.events(core, caller, recording_id))


@router.get(f"{RECORDING}/events/ics", responses={200: {"content": {"text/calendar": {}}}}, response_class=Response)
def ics(recording_id: Id, core: CoreOf, caller: CallerOf) -> Response:
    """The same as a file for a calendar (RFC 5545)."""
    found = calendar.events(core, caller, recording_id)
    if not found:
        raise NotFound("No appointment was found in this recording.")
    headers = {"Content-Disposition": f"attachment; filename=events-{recording_id}.ics"}
    return Response(phrase.ics(found), media_type="text/calendar", headers=headers)
