"""Health and the service's card."""

import time
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.callers import CoreOf

router = APIRouter(tags=["Service"])


class Health(BaseModel):
    status: str
    timestamp: float


class Service(BaseModel):
    name: str
    version: str
    endpoints: dict[str, str]


@router.get("/health", response_model=Health)
def health(core: CoreOf) -> Any:
    """Whether the server and its database answer."""
    core.db.ping()
    return {"status": "healthy", "timestamp": time.time()}


@router.get("/", response_model=Service)
def root() -> Any:
    """What is served here."""
    return {
        "name": "Hansard",
        "version": version("hansard"),
        "endpoints": {
            "docs": "/docs",
            "health": "/health",
            "live": "/api/transcribe/live/{job_id}",
            "speakr": "/api/v1",
            "speakr_docs": "/api/v1/docs",
        },
    }
