"""The sample meeting through the whole cloud, hop by hop; every hop is looked at, a missing one is an error."""

import io
import json
import os
import re
import signal
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from infra.local.cloud import Cloud, Say

MEETING = Path(__file__).parents[2] / "samples" / "meeting.flac"


class Failed(Exception):
    """What was not as it has to be."""


def walk(cloud: Cloud, say: Say) -> None:
    """From an upload to COMPLETED. Raises Failed."""
    made = cloud.functions.invoke("token", {"user": "ann"})
    say("operator", "has invoked `token`: ann may come in")
    with httpx2.Client(base_url=cloud.http, headers={"Authorization": f"Bearer {made['token']}"}, timeout=30) as client:
        begun = _upload(client, say)
        messages = _watch(cloud, made["token"], begun["upload_id"], lambda message: say("websocket", _shown(message)))
        upload = client.get(f"/uploads/{begun['upload_id']}").raise_for_status().json()
        recording = f"/api/v1/recordings/{upload['recording']['id']}"
        status = client.get(f"{recording}/status").raise_for_status().json()
        say("client", f"GET {recording}/status -> {status['status']}")
        segments = client.get(f"{recording}/transcript").raise_for_status().json()["segments"]
        _check(messages, status["status"], segments)
        _refuse_too_large(client, say)
        _stream_audio(client, recording, say)
        _small_file(client, say)
        _kill_a_worker(cloud, client, made["token"], segments, say)
    for segment in segments[:3]:
        say("transcript", f"{segment['start_time']:6.2f}  {segment['speaker']}: {segment['sentence'][:80]}")
    say("transcript", f"… {len(segments)} segments in all, each seen live, once and in order")


def _upload(client: httpx2.Client, say: Say) -> dict[str, Any]:
    audio = MEETING.read_bytes()
    wanted = {"title": "The sample meeting", "language": "en"}
    body = {"filename": MEETING.name, "content_type": "audio/flac", "size": len(audio), "recording": wanted}
    begun = client.post("/uploads", json=body).raise_for_status().json()
    say("client", f"POST /uploads -> {begun['upload_id']}")
    (part,) = begun["parts"]
    wrong = httpx2.put(part["url"], content=audio[:-1], headers=part["headers"])
    _expect(wrong.status_code in (400, 403), f"S3 took an upload of another size: {wrong.status_code}")
    httpx2.put(part["url"], content=audio, headers=part["headers"]).raise_for_status()
    say("s3", f"PUT of {len(audio):,} bytes to the presigned address")
    return begun


def _watch(cloud: Cloud, token: str, upload_id: str, hear: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """Every message of the recording until the server closes; `hear` is called with each as it comes."""
    # The edge turns the path of a socket into this query.
    address = f"{cloud.websocket}?path=/api/transcribe/live/{upload_id}&token={token}"
    _until(lambda: _known(cloud, token, upload_id), "the event of S3 made no recording")
    messages: list[dict[str, Any]] = []
    with connect(address, proxy=None, open_timeout=30) as socket:
        socket.send('{"type": "ping"}')
        try:
            while True:
                message = json.loads(socket.recv(timeout=180))
                messages.append(message)
                hear(message)
        except ConnectionClosed:
            hear({"type": "closed by the server"})
    return messages


def _known(cloud: Cloud, token: str, upload_id: str) -> bool:
    answer = httpx2.get(f"{cloud.http}/uploads/{upload_id}", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    return answer.raise_for_status().json()["recording"] is not None


def _until(condition: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        _expect(time.monotonic() < deadline, otherwise)
        time.sleep(0.2)


def _shown(message: dict[str, Any]) -> str:
    if message["type"] == "segment":
        return f"{message['seq']:3}  {message['speaker']}: {message['text'][:70]}"
    if message["type"] == "status":
        return f"{message['seq']:3}  {message['status']}: {message['message']}"
    return message["type"]


def _check(messages: list[dict[str, Any]], status: str, segments: list[dict[str, Any]]) -> None:
    told = [message for message in messages if "seq" in message]
    _expect(status == "COMPLETED", f"the recording is {status}")
    _expect({"type": "pong"} in messages, "the ping was not answered")
    _expect(told[-1].get("status") == "completed", f"the last thing told was {told[-1]}")
    numbers = [message["seq"] for message in told]
    _expect(numbers == sorted(set(numbers)), f"events were told twice or out of order: {numbers}")
    live = [message["text"] for message in told if message["type"] == "segment"]
    _expect(live == [segment["sentence"] for segment in segments], "live segments and transcript differ")
    speakers = {segment["speaker"] for segment in segments}
    _expect(len(speakers) == 3, f"speakers: {sorted(speakers)}")


def _refuse_too_large(client: httpx2.Client, say: Say) -> None:
    files = {"file": ("long.wav", bytes(4_600_000), "audio/wav")}
    answer = client.post("/api/v1/recordings/upload", files=files)
    _expect(answer.status_code == 413 and "POST /uploads" in answer.text, f"{answer.status_code} {answer.text[:200]}")
    say("client", "POST of 4.6 MB in one request -> 413, which names POST /uploads")


def _stream_audio(client: httpx2.Client, recording: str, say: Say) -> None:
    answer = client.get(f"{recording}/audio", follow_redirects=False)
    _expect(answer.status_code == 302, f"GET audio: {answer.status_code}")
    part = httpx2.get(answer.headers["location"], headers={"Range": "bytes=0-3"})
    _expect((part.status_code, part.content) == (206, b"fLaC"), f"GET audio from S3: {part.status_code}")
    _expect(part.headers["content-type"] == "audio/flac", f"GET audio from S3: {part.headers}")
    say("client", "GET audio -> redirected to S3, which answers ranges")


def _small_file(client: httpx2.Client, say: Say) -> None:
    """Through API Gateway and Lambda in one binary request, and away again."""
    files = {"file": ("silence.wav", _silence(), "audio/wav")}
    made = client.post("/api/v1/recordings/upload", files=files).raise_for_status().json()
    say("client", f"POST of a second of silence -> recording {made['id']}")
    recording = f"/api/v1/recordings/{made['id']}"
    _until(lambda: client.get(f"{recording}/status").json()["status"] == "COMPLETED", "silence was not COMPLETED", 60)
    client.delete(recording).raise_for_status()
    gone = client.get(f"{recording}/status").status_code
    _expect(gone == 404, f"a deleted recording answers {gone}")
    say("client", f"DELETE {recording} -> gone")


def _kill_a_worker(cloud: Cloud, client: httpx2.Client, token: str, expected: list[dict[str, Any]], say: Say) -> None:
    """The container that leads a job dies in the middle, as when Modal preempts it, and its input starts again."""
    begun = _upload(client, say)
    killed: list[int] = []

    def hear(message: dict[str, Any]) -> None:
        if message["type"] == "segment" and not killed:
            killed.append(_container(cloud, "process"))
            os.kill(killed[0], signal.SIGKILL)
            say("cloud-local", f"kill -9 of container {killed[0]} after the first segment")

    messages = _watch(cloud, token, begun["upload_id"], hear)
    _expect(_container(cloud, "process") not in killed, "the container was not replaced")
    upload = client.get(f"/uploads/{begun['upload_id']}").raise_for_status().json()
    recording = f"/api/v1/recordings/{upload['recording']['id']}"
    segments = client.get(f"{recording}/transcript").raise_for_status().json()["segments"]
    _check(messages, client.get(f"{recording}/status").json()["status"], segments)
    _expect(segments == expected, "the transcript is not the one of the undisturbed run")
    say("client", f"{recording} is COMPLETED, the same transcript, each segment once")


def _container(cloud: Cloud, name: str) -> int:
    """The process of the latest container of that function."""
    started = (re.search(rf"{name}: container (\d+) starts", line) for line in reversed(cloud.modal.lines))
    return next(int(found[1]) for found in started if found)


def _silence() -> bytes:
    with io.BytesIO() as file:
        with wave.open(file, "wb") as audio:
            audio.setnchannels(1)
            audio.setsampwidth(2)
            audio.setframerate(16_000)
            audio.writeframes(bytes(32_000))
        return file.getvalue()


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)
