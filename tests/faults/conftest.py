"""One server that is killed again and again, and what its sample sounds like when nobody disturbs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.media import speech, wav
from tests.support.platform import Platform


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the sample meeting that makes four slices."""
    return wav(tmp_path_factory.mktemp("clip") / "clip.wav", speech(20.0))


@pytest.fixture(scope="session")
def _platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("faults") / "data"
    platform = Platform(folder, slice_seconds="5", workers="2", max_attempts="3", lease_seconds="10")
    platform.server.start()
    yield platform
    platform.close()


@pytest.fixture(scope="session")
def undisturbed(_platform: Platform, clip: Path) -> list[dict[str, Any]]:
    """The segments of the clip."""
    uploaded = _platform.server.upload(clip)
    _platform.server.wait_for(uploaded["id"])
    return _platform.segments(uploaded["id"])


@pytest.fixture
def platform(_platform: Platform, undisturbed: list[dict[str, Any]]) -> Iterator[Platform]:
    """It runs, whatever the test before did to it."""
    yield _platform
    _platform.model.let_go()
    if not _platform.server.answers():
        _platform.server.kill()
        _platform.server.start()
