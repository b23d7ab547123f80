"""The event log as SaLED's live messages: status objects and bare segments."""

import json
from typing import Any

from shared.domain import events as kinds
from shared.domain.connections import Phrasing
from shared.domain.events import Event
from shared.domain.recordings import Recording, RecordingStatus


def message(event: Event) -> dict[str, Any] | None:
    """What to send for an event; None for events this API has no word for."""
    if event.kind == kinds.SEGMENT:
        return {"type": "segment", **segment(event.data), "seq": event.seq}
    phrased = _status(event)
    return None if phrased is None else {**phrased, "seq": event.seq}


def segment(data: dict[str, Any]) -> dict[str, Any]:
    """A segment as in a result. Speakers count from 1 here."""
    speaker = data["speaker"]
    return {
        "start": data["start"],
        "end": data["end"],
        "text": data["text"],
        "speaker": None if speaker is None else f"SPEAKER_{speaker + 1}",
        "speaker_confidence": data["speaker_confidence"],
        "start_display": clock(data["start"]),
        "end_display": clock(data["end"]),
    }


def clock(seconds: float) -> str:
    """`HH:MM:SS.mmm`"""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


def current(recording: Recording, progress: int, final_seq: int) -> dict[str, Any]:
    """Where a recording stands, for a client that has seen all of its log, in which `final_seq` was the end."""
    match recording.status:
        case RecordingStatus.COMPLETED:
            return {**_message("completed", "Transcription completed", 100), "seq": final_seq}
        case RecordingStatus.FAILED:
            return {**_message("failed", recording.error_message or "", progress), "seq": final_seq}
    return {**_message("processing", "Processing", progress), "seq": recording.last_seq}


def not_found() -> dict[str, Any]:
    return _message("not_found", "Transcription job not found or expired", 0)


def hint(event: Event) -> dict[str, Any]:
    """In place of a message that is too long for its connection: it is there to be read over HTTP."""
    return {"type": "hint", "kind": event.kind, "seq": event.seq}


def _status(event: Event) -> dict[str, Any] | None:
    data = event.data
    progress = data.get("percent", 0)
    match event.kind:
        case kinds.RECORDING_CREATED:
            return _message("processing", "Received", progress)
        case kinds.JOB_QUEUED:
            return _message("processing", "Waiting for a worker", progress)
        case kinds.JOB_STARTED:
            return _message("processing", "Starting", progress)
        case kinds.JOB_PAUSED:
            return _message("processing", f"Paused at {progress}%", progress)
        case kinds.JOB_PROGRESS:
            return _progress(data)
        case kinds.DIARIZED:
            speakers = data["speakers"]
            return _message("processing", f"Found {speakers} speaker{'' if speakers == 1 else 's'}", progress)
        case kinds.SUMMARIZING:
            return _message("processing", "Summarizing", progress)
        case kinds.COMPLETED:
            chunks = {"current_chunk": data["slices"], "total_chunks": data["slices"], "chunk_progress": 100}
            done = _message("completed", "Transcription completed", 100)
            return {**done, "chunk_info": chunks, "warnings": data["warnings"]}
        case kinds.FAILED:
            return _message("failed", data["reason"], progress)
        case kinds.SUMMARIZED:
            return {**_message("completed", "Summary completed", 100), "warnings": data["warnings"]}
        case kinds.SUMMARY_FAILED:
            # The transcript is there all the same.
            return {**_message("completed", f"No new summary: {data['reason']}", 100), "warnings": data["warnings"]}
    return None


def _progress(data: dict[str, Any]) -> dict[str, Any]:
    total, done, progress = data["slices"], data["slices_done"], data["percent"]
    current = min(done + 1, total)
    within = 100 if done >= total else max(0, min(99, round(progress * total - 100 * done)))
    message = _message("processing", f"Processing chunk {current}/{total} ({progress}%)", progress)
    chunks = {"current_chunk": current, "total_chunks": total, "chunk_progress": within}
    return {**message, "chunk_info": chunks}


def _message(status: str, text: str, progress: int) -> dict[str, Any]:
    return {"type": "status", "status": status, "message": text, "progress": progress}


def _text(event: Event) -> str | None:
    phrased = message(event)
    return None if phrased is None else json.dumps(phrased)


PHRASING = Phrasing(_text, lambda event: json.dumps(hint(event)), json.dumps(not_found()))
