"""Changes to many recordings at once, in Speakr's words."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.dialects.speakr.edits import Truth
from shared.domain.edits import Outcome


class BatchRequest(BaseModel):
    """What is no id is answered as a recording that is not there."""

    model_config = ConfigDict(extra="ignore", strict=True)

    recording_ids: list[Any] = []


class BatchUpdateRequest(BatchRequest):
    updates: dict[str, Any] = {}


class BatchUpdates(BaseModel):
    """What is left out stays. Tags that cannot be used are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    is_inbox: Truth = True
    is_highlighted: Truth = False
    folder_id: int | None = None
    add_tag_ids: list[Any] | None = None
    remove_tag_ids: list[Any] | None = None


class BatchItem(BaseModel):
    id: int | str
    success: bool
    error: str | None = None


class BatchJob(BatchItem):
    job_id: int | None = None


class _Batch(BaseModel):
    success: bool = True
    failed: int


class BatchUpdated(_Batch):
    updated: int
    results: list[BatchItem]


class BatchDeleted(_Batch):
    deleted: int
    results: list[BatchItem]


class BatchQueued(_Batch):
    queued: int
    results: list[BatchJob]


def answer(done: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """`done` is the key under which those are counted that went well."""
    well = sum(outcome.error is None for outcome in outcomes)
    return {
        "success": True,
        done: well,
        "failed": len(outcomes) - well,
        "results": [_item(outcome) for outcome in outcomes],
    }


def _item(outcome: Outcome) -> dict[str, Any]:
    item: dict[str, Any] = {"id": _shown(outcome.id), "success": outcome.error is None}
    if outcome.error is not None:
        item["error"] = outcome.error
    if outcome.job_id is not None:
        item["job_id"] = outcome.job_id
    return item


def _shown(sent: object) -> int | str:
    """What was sent for an id, as far as it can be sent back."""
    if isinstance(sent, int) and not isinstance(sent, bool):
        return sent
    return sent if isinstance(sent, str) and sent.isascii() else json.dumps(sent)
