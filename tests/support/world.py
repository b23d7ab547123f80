"""A Core over a real database with everything else in memory, and short words for what happens in it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from shared.db import jobs as job_rows
from shared.db.database import Database
from shared.domain.accounts import Caller
from shared.domain.jobs import Job, JobState
from shared.domain.limits import Limits
from shared.domain.policy import Policy
from shared.domain.recordings import Recording
from shared.domain.tasks import (
    Beginning,
    Completed,
    Diarized,
    Report,
    ReportBody,
    SegmentsReady,
    SliceDone,
    Started,
    Summarizing,
    TranscribeOptions,
    TranscribeTask,
)
from shared.domain.transcripts import Diarization, Segment, SliceResult, Summary, Turn, Word
from shared.services import attempts, ingest, jobs, recordings, reports
from shared.services.core import Core
from shared.services.ingest import NewRecording, StoredUpload
from tests.support.fakes import (
    Clock,
    MemoryKicks,
    MemoryLauncher,
    MemoryLive,
    MemoryStore,
    MemoryTokens,
    MemoryWebhookKicks,
    MemoryWebhookSender,
)

STARTED = Started(30.0, (0.0, 10.0, 20.0, 30.0), "pocketsphinx")
DIARIZED = Diarized(Diarization((Turn(0.0, 30.0, 0),), "acoustic"))


def slice_done(index: int, text: str = "word") -> SliceDone:
    return SliceDone(SliceResult(index, (Word(text, index * 10.0, index * 10.0 + 1, 0.5),), 1.0, "en"))


def segments(*positions: int, text: str = "Hello.") -> SegmentsReady:
    return SegmentsReady(tuple(Segment(each, float(each), each + 1.0, text, 0) for each in positions))


def completed(title: str = "A title of the summary") -> Completed:
    return Completed("en", Summary(title, "It was said.", ("a point",), (), (), "extractive"), 1.0)


#: A whole attempt, in order.
ATTEMPT: tuple[ReportBody, ...] = (
    STARTED,
    DIARIZED,
    slice_done(0),
    segments(0, 1),
    slice_done(1),
    segments(2),
    slice_done(2),
    segments(3),
    Summarizing(),
    completed(),
)


@dataclass
class World:
    db: Database
    limits: Limits = field(default_factory=lambda: Limits(lease_seconds=60, max_attempts=3))
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.launcher = MemoryLauncher()
        self.store = MemoryStore()
        self.kicks = MemoryKicks()
        self.live = MemoryLive()
        self.webhook_kicks = MemoryWebhookKicks()
        self.sender = MemoryWebhookSender()
        self.core = Core(
            db=self.db,
            objects=self.store,
            launcher=self.launcher,
            kicks=self.kicks,
            live=self.live,
            task_tokens=MemoryTokens(self.clock),
            webhook_kicks=self.webhook_kicks,
            webhook_sender=self.sender,
            callback_url="http://here/jobs/",
            limits=self.limits,
            policy=self.policy,
            now=self.clock,
        )
        self.ann = self.user("ann")

    def user(self, name: str) -> Caller:
        from shared.db import accounts

        with self.db.begin() as tx:
            user = accounts.ensure_user(tx, name, is_admin=False)
        return Caller(user.id, user.username, user.is_admin)

    def upload(self, caller: Caller | None = None, title: str = "") -> Recording:
        """A new recording, with its job queued."""
        uuid, key = ingest.new_upload_place(self.core)
        writer = self.store.create(key)
        writer.write(b"sound")
        writer.commit()
        stored = StoredUpload(uuid, key, 5, "0" * 64, "talk.wav", "audio/wav")
        return ingest.create(self.core, caller or self.ann, stored, NewRecording(title=title))[0]

    def launched(self, caller: Caller | None = None, title: str = "") -> tuple[Recording, TranscribeTask]:
        recording = self.upload(caller, title)
        attempts.launch_due(self.core)
        return recording, self.launcher.tasks[-1]

    def submit(self, recording: Recording, **options: Any) -> Job:
        return jobs.submit(self.core, self.ann, recording.id, TranscribeOptions(**options))

    def begin(self, task: TranscribeTask, worker: str = "worker") -> JobState:
        return attempts.begin(self.core, task.job_id, Beginning(task.attempt, worker))

    def report(self, task: TranscribeTask, *bodies: ReportBody, first: int = 0) -> bool:
        """Records the reports, from number `first` on; what was answered to the last."""
        go_on = True
        for seq, body in enumerate(bodies, first):
            go_on = reports.record(self.core, Report(task.job_id, task.attempt, seq, body))
        return go_on

    def job(self, task: TranscribeTask) -> Job:
        with self.db.begin() as tx:
            job = job_rows.by_id(tx, task.job_id)
        assert job is not None
        return job

    def recording(self, recording: Recording) -> Recording:
        return recordings.get(self.core, self.ann, recording.id)

    def kinds(self, recording: Recording) -> list[str]:
        """The kinds of all events, after a check that their numbers have no gap."""
        rows = self.rows("SELECT seq, kind FROM events WHERE recording_id = :id ORDER BY seq", id=recording.id)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        return [row.kind for row in rows]

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.db.begin() as tx:
            return list(tx.execute(text(query), values))

    def count(self, table: str) -> int:
        return self.rows(f"SELECT count(*) FROM {table}")[0][0]
