"""Looks into a media file in a process of its own: what a stranger's file does to the decoder, it does to that one."""

import logging
import subprocess
from collections.abc import Sequence

from pydantic import TypeAdapter

from shared.domain.errors import Invalid
from shared.domain.transcripts import AudioInfo

logger = logging.getLogger("hansard.audio")

#: The exit code of a probe that has understood the file well enough to refuse it; its sentence is on standard output.
REFUSED = 3

_info = TypeAdapter(AudioInfo)


class ProcessProbe:
    """`command` takes the path and prints what `as_json` makes, or a sentence and exits with REFUSED."""

    def __init__(self, command: Sequence[str], timeout: float = 120.0) -> None:
        self._command = command
        self._timeout = timeout

    def __call__(self, source: str) -> AudioInfo:
        """Raises Invalid when it is not a recording, or ends or outlasts the probe."""
        try:
            done = subprocess.run(
                [*self._command, source], capture_output=True, text=True, timeout=self._timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Invalid("The file cannot be used: looking into it takes too long.") from error
        if done.returncode == 0:
            return _info.validate_json(done.stdout)
        if done.returncode == REFUSED:
            raise Invalid(done.stdout.strip())
        logger.error("the probe of %s ended with %s: %s", source, done.returncode, done.stderr[-2000:])
        raise Invalid("The file cannot be used: it breaks the decoder.")


def as_json(info: AudioInfo) -> str:
    return _info.dump_json(info).decode()
