"""Addresses that many routes of the Speakr API begin with."""

from typing import Annotated

from fastapi import Path

# Ids are bigint in the database; anything else is no id of ours.
Id = Annotated[int, Path(ge=0, le=2**63 - 1)]
RECORDING = "/recordings/{recording_id}"
