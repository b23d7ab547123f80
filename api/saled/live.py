"""SaLED's live WebSocket: the event log of a recording, from the start or from any `seq` on, as it grows."""

import asyncio
import contextlib
import json
import re
from typing import Any
from uuid import UUID

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from api.callers import caller_of, core_of
from shared.adapters.local_live import LocalLiveUpdates
from shared.dialects.http_status import status_of
from shared.dialects.saled import events as phrase
from shared.domain.accounts import Caller
from shared.domain.connections import MESSAGE_BYTES
from shared.domain.credentials import SUBPROTOCOL, offered_token
from shared.domain.errors import HansardError, NotFound, Unavailable
from shared.services import live
from shared.services.core import Core
from shared.services.live import Watched

router = APIRouter()

NOT_FOUND = 4404
TRY_AGAIN_LATER = 1013
NOT_TEXT = 1003
TOO_LONG = 1009
# How long to trust that nothing has happened: another process may write to the log, too.
_LOOK_AGAIN_SECONDS = 10.0


@router.websocket("/api/transcribe/live/{job_id}")
async def watch(socket: WebSocket, job_id: str, after: str = "") -> None:
    """`job_id` is the uuid of a recording; `after` the last `seq` that a client which comes back has seen.

    Without `after` the story begins with the latest transcription.
    """
    core = core_of(socket)
    try:
        caller = await run_in_threadpool(caller_of, socket)
        watched = await run_in_threadpool(_watched, core, caller, job_id)
    except HansardError as refusal:
        await _refuse(socket, refusal)
        return
    await socket.accept(SUBPROTOCOL if offered_token(socket.headers) else None)
    # A client that goes away ends the wait for it, wherever that stands.
    with contextlib.suppress(WebSocketDisconnect):
        if watched is None:
            await _end(socket, phrase.not_found(), NOT_FOUND)
            return
        try:
            await _follow(socket, core, watched, _seen(watched, after))
        except Unavailable:
            await _end(socket, None, TRY_AGAIN_LATER)


def _seen(watched: Watched, after: str) -> int:
    """The `seq` after which the client is to hear the log. What is no number counts as not given."""
    if not re.fullmatch("[0-9]{1,18}", after):
        return watched.begins_after
    return min(int(after), watched.recording.last_seq)


def _watched(core: Core, caller: Caller, job_id: str) -> Watched | None:
    try:
        return live.watch(core, caller, UUID(job_id))
    except (ValueError, NotFound):
        return None


async def _refuse(socket: WebSocket, refusal: HansardError) -> None:
    status = status_of(refusal)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    await socket.send_denial_response(JSONResponse({"detail": str(refusal)}, status, headers))


async def _follow(socket: WebSocket, core: Core, watched: Watched, seq: int) -> None:
    """Sends the log while it listens for the client, until either ends."""
    sending = asyncio.create_task(_send_log(socket, core, watched.recording.id, seq))
    hearing = asyncio.create_task(_hear(socket))
    try:
        done, _ = await asyncio.wait((sending, hearing), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (sending, hearing):
            task.cancel()
        await asyncio.gather(sending, hearing, return_exceptions=True)


async def _hear(socket: WebSocket) -> None:
    """Answers pings; whatever else a client says is not for us. What API Gateway would not take ends it here, too."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes") is not None:
            await socket.close(NOT_TEXT)
            return
        if len((message.get("text") or "").encode()) > MESSAGE_BYTES:
            await socket.close(TOO_LONG)
            return
        with contextlib.suppress(ValueError, RecursionError):
            said = json.loads(message.get("text") or "null")
            if isinstance(said, dict) and said.get("type") == "ping":
                await socket.send_json({"type": "pong"})


async def _send_log(socket: WebSocket, core: Core, recording_id: int, seq: int) -> None:
    """Sends the events after `seq` until the recording is finished or gone."""
    assert isinstance(core.live, LocalLiveUpdates)
    told = False
    with core.live.watch(recording_id) as changed:
        while True:
            changed.clear()
            news = await run_in_threadpool(live.news, core, recording_id, seq)
            for event in news.events:
                seq = event.seq
                if message := phrase.message(event):
                    await socket.send_json(message)
                    told = True
            if news.recording is None:
                return await _end(socket, phrase.not_found(), NOT_FOUND)
            if not news.events and not news.at_work:
                now = phrase.current(news.recording, news.progress, news.final_seq)
                return await _end(socket, None if told else now, 1000)
            if not news.events:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_AGAIN_SECONDS)


async def _end(socket: WebSocket, message: dict[str, Any] | None, code: int) -> None:
    if message is not None:
        await socket.send_json(message)
    await socket.close(code)
