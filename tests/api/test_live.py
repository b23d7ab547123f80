"""The live WebSocket: the whole story of a recording, once, in order, whenever one comes to listen."""

import json
import threading
import uuid
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.live import Watched, hear, open_live, watch
from tests.support.server import Server


def numbers(watched: Watched) -> list[int]:
    return [message["seq"] for message in watched.messages]


def test_every_event_has_a_message_in_order(meeting: Watched) -> None:
    assert numbers(meeting) == list(range(2, 2 + len(meeting.messages)))
    assert {message["type"] for message in meeting.messages} == {"status", "segment"}


def test_progress_never_falls_and_ends_at_100(meeting: Watched) -> None:
    progress = [status["progress"] for status in meeting.statuses]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert len(set(progress)) > 3
    chunks = [status["chunk_info"] for status in meeting.statuses if "chunk_info" in status]
    assert all(1 <= chunk["current_chunk"] <= chunk["total_chunks"] for chunk in chunks)
    assert all(0 <= chunk["chunk_progress"] <= 100 for chunk in chunks)


def test_the_story_is_told_in_words(meeting: Watched) -> None:
    told = [status["message"] for status in meeting.statuses]
    assert told[:2] == ["Waiting for a worker", "Starting"]
    assert "Found 3 speakers" in told
    assert told[-2:] == ["Summarizing", "Transcription completed"]
    assert any(text.startswith("Processing chunk 1/") for text in told)
    assert [status["status"] for status in meeting.statuses] == ["processing"] * (len(told) - 1) + ["completed"]
    assert meeting.close_code == 1000


def test_the_segments_are_the_transcript_exactly_once(server: Server, meeting: Watched) -> None:
    with server.client() as client:
        stored = client.get(f"/api/v1/recordings/{meeting.id}/transcript").json()["segments"]
    live = [(segment["start"], segment["end"], segment["text"]) for segment in meeting.segments]
    assert live == [(segment["start_time"], segment["end_time"], segment["sentence"]) for segment in stored]
    # SaLED counts speakers from 1, Speakr from 00.
    labels = {(segment["speaker"], other["speaker"]) for segment, other in zip(meeting.segments, stored, strict=True)}
    assert labels == {("SPEAKER_1", "SPEAKER_00"), ("SPEAKER_2", "SPEAKER_01"), ("SPEAKER_3", "SPEAKER_02")}


def test_a_segment_shows_its_times(meeting: Watched) -> None:
    first = meeting.segments[0]
    assert first["start_display"] == f"00:00:{first['start']:06.3f}"
    assert first.keys() >= {"start", "end", "text", "speaker", "speaker_confidence", "end_display", "seq"}


def test_who_comes_when_it_is_finished_hears_it_all(server: Server, meeting: Watched) -> None:
    again = watch(server, meeting.uploaded)
    assert (again.messages, again.close_code) == (meeting.messages, 1000)


@pytest.mark.parametrize("seen", [0, 1, 2, 7, 12])
def test_who_comes_back_hears_what_was_missed(server: Server, meeting: Watched, seen: int) -> None:
    again = watch(server, meeting.uploaded, f"?after={seen}")
    assert numbers(again) == list(range(seen + 1, meeting.messages[-1]["seq"] + 1))
    assert again.messages[-5:] == meeting.messages[-5:]


@pytest.mark.parametrize("ahead", [0, 5, 10**17])
def test_who_has_heard_everything_is_told_how_it_ended(server: Server, meeting: Watched, ahead: int) -> None:
    last = meeting.messages[-1]["seq"]
    again = watch(server, meeting.uploaded, f"?after={last + ahead}")
    assert [(m["status"], m["progress"], m["seq"]) for m in again.messages] == [("completed", 100, last)]
    assert again.close_code == 1000


@pytest.mark.parametrize("after", ["abc", "-1", "", "9" * 30, "1.5", "%00"])
def test_an_after_that_is_no_number_counts_as_not_given(server: Server, meeting: Watched, after: str) -> None:
    assert watch(server, meeting.uploaded, f"?after={after}").messages == meeting.messages


def test_two_watchers_a_latecomer_and_one_who_came_back_hear_the_same(server: Server, short_wav: Path) -> None:
    uploaded = server.upload(short_wav)
    heard: list[Watched] = []
    threads = [threading.Thread(target=lambda: heard.append(watch(server, uploaded))) for _ in range(2)]
    for thread in threads:
        thread.start()
    with open_live(server, uploaded["uuid"]) as socket:
        # This one goes away in the middle, without a word, and comes back.
        early = [json.loads(socket.recv(timeout=20)) for _ in range(2)]
        socket.socket.shutdown(2)
    rest = watch(server, uploaded, f"?after={early[-1]['seq']}")
    for thread in threads:
        thread.join(60)
    late = watch(server, uploaded)
    stories = [one.messages for one in (*heard, late)]
    assert len(stories) == 3
    assert stories[0] == stories[1] == stories[2] == early + rest.messages
    assert late.messages[-1]["status"] == "completed"


def test_a_second_run_is_a_new_story_but_nothing_of_the_old_is_lost(server: Server, silent_wav: Path) -> None:
    first = watch(server, server.upload(silent_wav))
    with server.client() as client:
        client.post(f"/api/v1/recordings/{first.id}/transcribe", json={})
    second = watch(server, first.uploaded)
    last = first.messages[-1]["seq"]
    assert numbers(second)[0] == last + 1
    assert second.messages[0]["message"] == "Waiting for a worker"
    everything = watch(server, first.uploaded, "?after=1")
    assert everything.messages == first.messages + second.messages


@pytest.mark.parametrize("name", [str(uuid.uuid4()), "abc", "1", "%00", "..", "🎙", "x" * 3000])
def test_a_job_that_is_not_there_is_not_found(server: Server, name: str) -> None:
    with open_live(server, name) as socket:
        messages = hear(socket)
    assert [(message["type"], message["status"], message["progress"]) for message in messages] == [
        ("status", "not_found", 0)
    ]
    assert socket.close_code == 4404


def test_pings_are_answered_and_other_words_ignored(waiting_server: Server, silent_wav: Path) -> None:
    uploaded = waiting_server.upload(silent_wav)
    with open_live(waiting_server, uploaded["uuid"]) as socket:
        assert json.loads(socket.recv(timeout=10))["message"] == "Waiting for a worker"
        for word in ("hello", "{", "[1]", "null", '{"type": "stop"}', "[" * 50_000, ""):
            socket.send(word)
        socket.send('{"type": "ping"}')
        assert json.loads(socket.recv(timeout=10)) == {"type": "pong"}
        pong = socket.ping()
        assert pong.wait(10)


def test_a_frame_that_is_too_large_ends_only_its_own_connection(waiting_server: Server, silent_wav: Path) -> None:
    uploaded = waiting_server.upload(silent_wav)
    with open_live(waiting_server, uploaded["uuid"]) as other:
        other.recv(timeout=10)
        with open_live(waiting_server, uploaded["uuid"]) as socket:
            socket.send("x" * 3_000_000)
            hear(socket)
        assert socket.close_code == 1009
        other.send('{"type": "ping"}')
        assert json.loads(other.recv(timeout=10)) == {"type": "pong"}


def test_what_is_deleted_while_watched_is_not_found_any_more(waiting_server: Server, silent_wav: Path) -> None:
    uploaded = waiting_server.upload(silent_wav)
    with open_live(waiting_server, uploaded["uuid"]) as socket:
        socket.recv(timeout=10)
        with waiting_server.client() as client:
            assert client.delete(f"/api/v1/recordings/{uploaded['id']}").status_code == 200
        messages = hear(socket, seconds=10)
    assert [message["status"] for message in messages] == ["not_found"]
    assert socket.close_code == 4404


def test_pausing_and_cancelling_are_told_at_once(waiting_server: Server, silent_wav: Path) -> None:
    uploaded = waiting_server.upload(silent_wav)
    with open_live(waiting_server, uploaded["uuid"]) as socket, waiting_server.client() as client:
        for action in ("pause", "resume", "pause", "cancel"):
            assert client.post(f"/api/v1/recordings/{uploaded['id']}/{action}").status_code == 200
        messages = hear(socket, seconds=10)
    assert [message["message"] for message in messages] == [
        "Waiting for a worker",
        "Paused at 0%",
        "Waiting for a worker",
        "Paused at 0%",
        "Cancelled.",
    ]
    assert [message["seq"] for message in messages] == [2, 3, 4, 5, 6]
    assert messages[-1]["status"] == "failed"
    assert socket.close_code == 1000


def test_the_live_address_is_no_page(server: Server) -> None:
    with server.client() as client:
        assert client.get(f"/api/transcribe/live/{uuid.uuid4()}").status_code == 404
    with pytest.raises(InvalidStatus) as refusal:
        open_live(server, "a/b").close()
    assert refusal.value.response.status_code in (403, 404)


@pytest.mark.parametrize(("said", "code"), [(b"binary", 1003), ("é" * 70_000, 1009)], ids=["binary", "too long"])
def test_what_api_gateway_would_not_take_ends_the_connection(
    waiting_server: Server, silent_wav: Path, said: str | bytes, code: int
) -> None:
    uploaded = waiting_server.upload(silent_wav)
    with open_live(waiting_server, uploaded["uuid"]) as socket:
        socket.recv(timeout=10)
        socket.send(said)
        hear(socket, seconds=10)
    assert socket.close_code == code
