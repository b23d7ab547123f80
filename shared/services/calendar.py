"""The appointments that people speak of in a recording."""

from collections.abc import Sequence

from shared.db import calendar_events, recordings
from shared.domain.accounts import Caller
from shared.domain.recordings import EventRef
from shared.services import access
from shared.services.access import Action
from shared.services.core import Core
from shared.services.found import found


def events(core: Core, caller: Caller, recording_id: int) -> Sequence[EventRef]:
    """In order of time. Raises NotFound, then Forbidden."""
    with core.db.begin() as tx:
        recording = found(recordings.by_id(tx, recording_id), "recording")
        access.check(caller, Action.READ, recording)
        return calendar_events.of_recording(tx, recording_id)
