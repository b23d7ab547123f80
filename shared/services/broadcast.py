"""Tells watchers on API Gateway what the log of a recording says, from where each of them stands.

Any number of broadcasts may run at once, and any of them may die: a watcher's row is locked while it is told, and says
afterwards how far it got. Whoever finds the row locked goes away; the one who holds it looks again after its commit, so
nothing that was written meanwhile is left untold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from shared.db import connections, events, jobs, recordings
from shared.domain import events as kinds
from shared.domain.accounts import Caller
from shared.domain.connections import CONNECTION_TIME, MESSAGE_BYTES, Phrasing, Watcher
from shared.domain.events import Event
from shared.domain.jobs import OPEN
from shared.domain.recordings import Recording
from shared.ports import Connections, Delivery
from shared.services.core import Core
from shared.services.live import BATCH, watch

#: Progress is told at most this often; what is final at once.
_PROGRESS_INTERVAL = timedelta(seconds=0.5)
#: A new connection may not be established yet: "gone" means "not there yet" for so long.
_NEW = timedelta(seconds=10)
_WATCHERS = 1000
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class _Message:
    seq: int
    text: str | None
    is_progress: bool


def connect(
    core: Core, caller: Caller, connection_id: str, uuid: UUID, *, dialect: str, after: int | None
) -> Recording:
    """Notes a new watcher, who is told from `after` on, or else from the latest run of recognition.

    Raises NotFound, then Forbidden.
    """
    watched = watch(core, caller, uuid)
    recording = watched.recording
    seq = watched.begins_after if after is None else after
    # A watcher who has seen the end hears it once more, rather than nothing.
    seq = min(seq, watched.final_seq if watched.at_work else watched.final_seq - 1)
    now = core.now()
    with core.db.begin() as tx:
        connections.add(
            tx,
            id=connection_id,
            recording_id=recording.id,
            user_id=caller.user_id,
            dialect=dialect,
            after_seq=max(0, seq),
            created_at=now,
            expires_at=now + CONNECTION_TIME,
        )
    return recording


def disconnect(core: Core, connection_id: str) -> None:
    with core.db.begin() as tx:
        connections.remove(tx, [connection_id])


def sweep(core: Core) -> None:
    """Forgets connections that cannot live any more, and asks for broadcasts that got lost."""
    with core.db.begin() as tx:
        connections.remove_expired(tx, core.now())
        behind = connections.recordings_with_news(tx)
    for recording_id in behind:
        core.live.changed(recording_id)


def broadcast(core: Core, to: Connections, phrasings: Mapping[str, Phrasing], recording_id: int) -> bool:
    """Tells every watcher of a recording what is new. False when some of it has to be told a little later."""
    left: set[str] = set()
    for _ in range(_ROUNDS):
        told, later = _round(core, to, phrasings, recording_id, left)
        left |= later
        if not told:
            return not left
    return False


def _round(
    core: Core, to: Connections, phrasings: Mapping[str, Phrasing], recording_id: int, but: set[str]
) -> tuple[int, set[str]]:
    """One transaction: how many watchers were looked at, and which have to wait."""
    with core.db.begin() as tx:
        recording = recordings.by_id(tx, recording_id)
        last_seq = recording.last_seq if recording is not None else None
        watchers = connections.waiting(tx, recording_id, last_seq, but=but, limit=_WATCHERS)
        if not watchers:
            return 0, set()
        if recording is None:
            _say_goodbye(to, phrasings, watchers)
            connections.remove(tx, [watcher.id for watcher in watchers])
            return len(watchers), set()
        job = jobs.latest(tx, recording_id)
        at_work = job is not None and job.status in OPEN
        news = {
            seq: events.after(tx, recording_id, seq, limit=BATCH) for seq in {watcher.after_seq for watcher in watchers}
        }
        outcome = _tell(core, to, phrasings, watchers, news)
        connections.told(tx, outcome.seen, core.now())
        # The log may have grown, and ended, since the recording was read.
        ends = {after: recording.last_seq if not at_work else _end(told) for after, told in news.items()}
        behind = {watcher.id: watcher.after_seq for watcher in watchers}
        done = [each for each, seq in outcome.seen.items() if seq >= max(recording.last_seq, ends[behind[each]])]
        # Before the commit: a crash here leaves rows that the next broadcast finds gone, not sockets that nobody ends.
        to.close(done)
        connections.remove(tx, [*outcome.gone, *done])
    return len(watchers), outcome.later


def _end(told: Sequence[Event]) -> float:
    """The number of the event that ends the story in these events; infinite if it goes on."""
    end = math.inf
    for event in told:
        if event.kind in kinds.FINAL:
            end = event.seq
        elif event.kind == kinds.JOB_QUEUED:
            end = math.inf
    return end


@dataclass(slots=True)
class _Outcome:
    """What was told up to which event, who is gone, and who has to hear the rest later."""

    seen: dict[str, int]
    gone: list[str]
    later: set[str]


def _tell(
    core: Core,
    to: Connections,
    phrasings: Mapping[str, Phrasing],
    watchers: Sequence[Watcher],
    news: Mapping[int, list[Event]],
) -> _Outcome:
    phrased: dict[tuple[str, int], list[_Message]] = {}
    for watcher in watchers:
        place = (watcher.dialect, watcher.after_seq)
        if place not in phrased:
            phrased[place] = _messages(phrasings[watcher.dialect], news[watcher.after_seq])
    outcome = _Outcome({}, [], set())
    sending: dict[str, list[_Message]] = {}
    for watcher in watchers:
        messages = phrased[watcher.dialect, watcher.after_seq]
        if _may_wait(messages) and watcher.sent_at is not None and core.now() < watcher.sent_at + _PROGRESS_INTERVAL:
            outcome.later.add(watcher.id)
        else:
            sending[watcher.id] = messages
    texts = {each: [message.text for message in messages if message.text] for each, messages in sending.items()}
    delivered = to.send({each: said for each, said in texts.items() if said})
    for watcher in watchers:
        if watcher.id in sending:
            _note(core, outcome, watcher, sending[watcher.id], delivered.get(watcher.id, Delivery(0)))
    return outcome


def _note(core: Core, outcome: _Outcome, watcher: Watcher, messages: list[_Message], delivery: Delivery) -> None:
    if delivery.gone and core.now() >= watcher.created_at + _NEW:
        outcome.gone.append(watcher.id)
        return
    arrived = 0
    for message in messages:
        if message.text is not None:
            if arrived == delivery.sent:
                outcome.later.add(watcher.id)
                return
            arrived += 1
        outcome.seen[watcher.id] = message.seq


def _may_wait(messages: list[_Message]) -> bool:
    return all(message.is_progress or message.text is None for message in messages)


def _messages(phrasing: Phrasing, news: list[Event]) -> list[_Message]:
    """What to say of these events: of the progress only the newest, and nothing that is too long."""
    newest = max((event.seq for event in news if event.kind == kinds.JOB_PROGRESS), default=0)
    messages = []
    for event in news:
        is_progress = event.kind == kinds.JOB_PROGRESS
        text = None if is_progress and event.seq != newest else phrasing.event(event)
        if text is not None and len(text.encode()) > MESSAGE_BYTES:
            text = phrasing.hint(event)
        messages.append(_Message(event.seq, text, is_progress))
    return messages


def _say_goodbye(to: Connections, phrasings: Mapping[str, Phrasing], watchers: Sequence[Watcher]) -> None:
    to.send({watcher.id: [phrasings[watcher.dialect].gone] for watcher in watchers})
    to.close([watcher.id for watcher in watchers])
