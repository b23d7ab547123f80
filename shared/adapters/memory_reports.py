"""Reports of a worker kept in this process: for a command that wants the result and has no server."""

from collections.abc import Callable

from shared.domain.tasks import (
    Checkpoint,
    Completed,
    Diarized,
    Failed,
    Progress,
    ReportBody,
    SegmentsReady,
    Started,
    TranscriptPage,
)
from shared.domain.transcripts import Diarization, Segment


class MemoryReports:
    """`progress` hears the finished share of the words, 0..1. Either `completed` or `failed` is set in the end."""

    def __init__(self, progress: Callable[[float], None] = lambda fraction: None) -> None:
        self._progress = progress
        self.segments: list[Segment] = []
        self.started: Started | None = None
        self.diarization: Diarization | None = None
        self.completed: Completed | None = None
        self.failed: Failed | None = None

    def checkpoint(self) -> Checkpoint:
        """There never was an earlier attempt."""
        return Checkpoint()

    def transcript(self) -> TranscriptPage:
        """What has been reported so far: there is no other."""
        return TranscriptPage(tuple(self.segments))

    def send(self, body: ReportBody) -> None:
        match body:
            case Started():
                self.started = body
            case Progress():
                self._progress(body.fraction)
            case Diarized():
                self.diarization = body.diarization
            case SegmentsReady():
                self.segments += body.segments
            case Completed():
                self.completed = body
            case Failed():
                self.failed = body
            case _:
                pass
