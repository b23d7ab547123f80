"""A file that breaks the decoder breaks a probe, not the server."""

import sys
from pathlib import Path

import pytest

from shared.adapters.process_probe import ProcessProbe
from shared.domain.errors import Invalid
from shared.wiring.local import PROBE_COMMAND
from tests.support.server import MEETING


def probe_that(does: str, timeout: float = 30.0) -> ProcessProbe:
    return ProcessProbe((sys.executable, "-c", f"import os, signal, sys, time; {does}"), timeout)


def test_a_recording_is_described() -> None:
    info = ProcessProbe(PROBE_COMMAND)(str(MEETING))
    assert (info.codec, info.sample_rate, info.channels) == ("flac", 16000, 1)
    assert info.duration == pytest.approx(54.46, abs=0.01)


def test_what_is_no_recording_is_refused_with_the_sentence_of_the_probe(tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("these are notes " * 100)
    with pytest.raises(Invalid, match="not an audio or video recording"):
        ProcessProbe(PROBE_COMMAND)(str(tmp_path / "notes.mp3"))


def test_a_file_that_kills_the_decoder_is_refused() -> None:
    with pytest.raises(Invalid, match="breaks the decoder"):
        probe_that("os.kill(os.getpid(), signal.SIGSEGV)")("any")


def test_a_file_that_keeps_the_decoder_busy_is_refused() -> None:
    with pytest.raises(Invalid, match="too long"):
        probe_that("time.sleep(60)", timeout=0.2)("any")
