"""Statistics in the Speakr API."""

from typing import Any

from fastapi import APIRouter

from api.callers import CallerOf, CoreOf
from shared.dialects.speakr import stats as phrase
from shared.domain.errors import Invalid
from shared.services import stats

router = APIRouter(tags=["Stats"])


@router.get("/stats", response_model=phrase.StatsAnswer, response_model_exclude_unset=True)
def get_stats(core: CoreOf, caller: CallerOf, scope: str = "user") -> Any:
    """Numbers for a dashboard: `scope=user` is the caller's, `scope=all` everybody's, for administrators."""
    if scope not in ("user", "all"):
        raise Invalid("scope is user or all.")
    return phrase.stats(stats.get(core, caller, everybody=scope == "all"))
