"""A worker's reports against a server that fails in every way."""

import socket
import threading

import pytest

from shared.adapters.http_reports import HttpReports
from shared.domain.errors import Invalid, Unavailable
from shared.domain.tasks import Progress, Stopped, Summarizing, TranscribeTask, TranscriptPage
from shared.domain.transcripts import Segment, SliceResult, Word
from shared.wire import page_to_json, slice_to_json
from tests.support.report_server import ReportServer
from tests.support.waiting import until

PROGRESS = Progress("transcribing", 0.5)


def _task(url: str, **changes: object) -> TranscribeTask:
    return TranscribeTask(7, 2, "", url, "a token", **changes)  # type: ignore[arg-type]


def _reports(server: ReportServer, **options: float) -> HttpReports:
    return HttpReports(_task(server.url), **options)


def test_reports_are_numbered_and_carry_the_token() -> None:
    with ReportServer() as server, _reports(server) as reports:
        for body in (PROGRESS, Summarizing(), PROGRESS):
            reports.send(body)
    assert server.recorded == [0, 1, 2]
    assert {(body["job_id"], body["attempt"]) for body in server.bodies} == {(7, 2)}
    assert server.credentials == {"Bearer a token"}


@pytest.mark.parametrize("trouble", [500, 502, 503, 429, 408, "break"])
def test_a_report_is_repeated_until_it_is_taken(trouble: int | str) -> None:
    with ReportServer(trouble, trouble) as server, _reports(server) as reports:
        reports.send(PROGRESS)
        reports.send(Summarizing())
    assert (server.recorded, server.asked) == ([0, 1], 4)


def test_a_report_whose_answer_was_lost_is_sent_again_under_its_number() -> None:
    with ReportServer("lose") as server, _reports(server) as reports:
        reports.send(PROGRESS)
        reports.send(Summarizing())
    assert server.recorded == [0, 0, 1]


def test_a_late_answer_is_waited_for() -> None:
    with ReportServer("late") as server, _reports(server) as reports:
        reports.send(PROGRESS)
    assert server.recorded == [0]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_job_that_is_no_longer_ours_is_left_at_once(status: int) -> None:
    with ReportServer(status) as server, _reports(server) as reports:
        for _ in range(2):
            with pytest.raises(Stopped):
                reports.send(PROGRESS)
    assert server.asked == 1


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_report_that_is_refused_is_not_sent_again_and_its_number_stays_free(status: int) -> None:
    with ReportServer(status) as server, _reports(server) as reports:
        with pytest.raises(Invalid, match="as the script says"):
            reports.send(PROGRESS)
        reports.send(Summarizing())
    assert (server.recorded, server.asked) == ([0], 2)


def test_a_worker_that_is_told_to_stop_says_no_more() -> None:
    with ReportServer() as server, _reports(server) as reports:
        server.go_on = False
        for _ in range(2):
            with pytest.raises(Stopped):
                reports.send(PROGRESS)
    assert server.recorded == [0]


def test_a_server_that_is_gone_for_good_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = HttpReports(_task(f"http://127.0.0.1:{port}/jobs/7"), patience=0.5)
    with nowhere, pytest.raises(Unavailable, match="does not take reports"):
        nowhere.send(PROGRESS)


def test_a_server_that_only_fails_is_unavailable() -> None:
    with ReportServer(*[500] * 20) as server, _reports(server, patience=0.5) as reports:
        error = _error_of(reports)
    assert str(error) == "The server does not take reports: HTTP 500."


def _error_of(reports: HttpReports) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        reports.send(PROGRESS)
    return caught.value


def test_what_earlier_attempts_did_is_fetched_in_parts() -> None:
    parts = [SliceResult(index, (Word("hello", 0.0, 1.0),), 1.0) for index in (0, 2)]
    state = b'{"go_on": true, "attempt": 2, "seams": [0.0, 10.0, 20.0, 30.0], "done": [0, 2]}'
    with ReportServer(503, "well", "break", state=state) as server:
        server.slices = {part.index: slice_to_json(part) for part in parts}
        with _reports(server) as reports:
            found = reports.checkpoint()
    assert (found.seams, found.slices, found.diarization) == ((0.0, 10.0, 20.0, 30.0), tuple(parts), None)


def test_a_worker_begins_once_and_reports_under_the_attempt_it_is_given() -> None:
    with ReportServer(state=b'{"go_on": true, "attempt": 5}') as server, _reports(server) as reports:
        reports.checkpoint()
        reports.send(PROGRESS)
    assert [beginning["attempt"] for beginning in server.beginnings] == [2]
    assert server.bodies[0]["attempt"] == 5


def test_each_worker_has_a_name_of_its_own() -> None:
    with ReportServer() as server:
        for _ in range(2):
            with _reports(server) as reports:
                reports.send(PROGRESS)
    first, second = (beginning["worker"] for beginning in server.beginnings)
    assert first != second


def test_a_state_that_is_none_is_refused() -> None:
    with ReportServer(state=b"<html>") as server, _reports(server) as reports, pytest.raises(Invalid):
        reports.checkpoint()


def test_a_job_that_does_not_want_this_worker_says_so_at_once() -> None:
    with ReportServer(state=b'{"go_on": false}') as server, _reports(server) as reports, pytest.raises(Stopped):
        reports.checkpoint()


def test_the_heart_beats_three_times_to_a_lease_while_there_is_nothing_to_report() -> None:
    with ReportServer() as server, HttpReports(_task(server.url, lease_seconds=0.3)) as reports:
        reports.send(PROGRESS)
        until(lambda: len(server.recorded) >= 4)
    assert server.recorded == list(range(len(server.recorded)))
    assert server.bodies[-1]["body"] == server.bodies[0]["body"]


def test_reports_and_heartbeats_at_once_keep_their_numbers() -> None:
    with ReportServer() as server, HttpReports(_task(server.url, lease_seconds=0.003)) as reports:
        senders = [threading.Thread(target=lambda: [reports.send(PROGRESS) for _ in range(20)]) for _ in range(3)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert server.recorded == list(range(len(server.recorded)))
    assert len(server.recorded) >= 60


def test_the_heart_stops_with_the_work() -> None:
    with ReportServer() as server:
        with HttpReports(_task(server.url, lease_seconds=0.003)) as reports:
            reports.send(PROGRESS)
        after = server.asked
        with pytest.raises(Stopped):
            reports.send(PROGRESS)
        assert server.asked == after


def test_a_transcript_comes_in_pages_and_is_one_in_the_end() -> None:
    segments = [Segment(position, position * 1.0, position + 1.0, "Hello.", 0) for position in range(5)]
    with ReportServer(503, "break") as server, _reports(server) as reports:
        server.pages = {
            -1: page_to_json(TranscriptPage(tuple(segments[:2]), {0: "Ruth"}, "en", more=True)),
            1: page_to_json(TranscriptPage(tuple(segments[2:]), {0: "Ruth"}, "en")),
        }
        assert reports.transcript() == TranscriptPage(tuple(segments), {0: "Ruth"}, "en")
    assert len(server.beginnings) == 1
    assert server.credentials == {"Bearer a token"}


@pytest.mark.parametrize("page", [TranscriptPage((), more=True), TranscriptPage(())])
def test_an_empty_page_is_the_end(page: TranscriptPage) -> None:
    with ReportServer() as server, _reports(server) as reports:
        server.pages = {-1: page_to_json(page)}
        assert reports.transcript().segments == ()


def test_a_transcript_that_is_not_there_any_more_ends_the_work() -> None:
    with ReportServer(404) as server, _reports(server) as reports, pytest.raises(Stopped):
        reports.transcript()
