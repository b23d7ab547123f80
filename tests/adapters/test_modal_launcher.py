"""Tasks on Modal, by its real client: a stand-in answers, and runs modal_app.py as it is."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from infra.local.modal_server import TOKEN, ModalServer
from shared.adapters.modal_launcher import ModalLauncher
from shared.domain.errors import Unavailable
from tests.support.modal import modal_client, modal_stand_in, task
from tests.support.report_server import ReportServer
from tests.support.waiting import until

#: What a server says to a worker that nobody needs any more: it ends at once.
NOT_WANTED = b'{"go_on": false}'


@pytest.fixture(scope="module")
def modal() -> Iterator[ModalServer]:
    with modal_stand_in() as server:
        yield server


@pytest.fixture
def launcher(modal: ModalServer) -> Iterator[ModalLauncher]:
    made = ModalLauncher("hansard", None, *TOKEN)
    yield made
    made.close()


def idle(modal: ModalServer) -> bool:
    return not any(container.at_work for container in modal.containers())


def test_a_task_reaches_a_worker_with_its_token(modal: ModalServer, launcher: ModalLauncher) -> None:
    with ReportServer(state=NOT_WANTED) as server:
        first, second = launcher.launch(task(server.url)), launcher.launch(task(server.url))
        until(lambda: len(server.beginnings) == 2 and idle(modal))
    assert first != second
    assert [beginning["attempt"] for beginning in server.beginnings] == [1, 1]
    assert server.credentials == {"Bearer token-of-7"}


def test_a_task_that_is_too_large_for_a_message_arrives_all_the_same(
    modal: ModalServer, launcher: ModalLauncher
) -> None:
    with ReportServer(state=NOT_WANTED) as server:
        launcher.launch(task(server.url, hotwords="ä" * 100_000, initial_prompt="x" * 100_000))
        until(lambda: server.beginnings and idle(modal))


def test_a_cancelled_task_ends(modal: ModalServer, launcher: ModalLauncher) -> None:
    from modal import FunctionCall
    from modal.exception import RemoteError

    # It never gets further than its first report: that there is no such engine.
    with ReportServer(*[503] * 1000) as server:
        reference = launcher.launch(task(server.url, engine="none"))
        until(lambda: server.asked)
        launcher.cancel(reference)
        until(lambda: idle(modal))
        with modal_client() as client, pytest.raises(RemoteError):
            FunctionCall.from_id(reference, client).get(timeout=0)


def test_cancelling_what_has_ended_or_never_was_is_fine(modal: ModalServer, launcher: ModalLauncher) -> None:
    with ReportServer(state=NOT_WANTED) as server:
        reference = launcher.launch(task(server.url))
        until(lambda: server.beginnings and idle(modal))
    for each in (reference, reference, "fc-nobody-knows", "never heard of", ""):
        launcher.cancel(each)


def test_it_may_be_used_where_an_event_loop_runs(modal: ModalServer, launcher: ModalLauncher) -> None:
    with ReportServer(state=NOT_WANTED) as server:

        async def handler() -> None:
            launcher.cancel(launcher.launch(task(server.url)))

        asyncio.run(handler())  # a warning of modal would be an error
        until(lambda: idle(modal))


def test_modal_queues_by_itself(launcher: ModalLauncher) -> None:
    assert launcher.capacity() >= 100


def test_a_wrong_token_is_named_but_not_told(modal: ModalServer, caplog: pytest.LogCaptureFixture) -> None:
    stranger = ModalLauncher("hansard", None, "ak-stranger", "as-very-secret")
    with pytest.raises(Unavailable, match="HANSARD_MODAL_TOKEN_SECRET") as refused:
        stranger.launch(task("http://127.0.0.1:9/jobs/7"))
    stranger.cancel("fc-1")
    stranger.close()
    assert refused.value.__cause__ is None
    assert "as-very-secret" not in str(refused.value) + caplog.text


@pytest.mark.parametrize(("environment", "place"), [(None, "its default environment"), ("test", "environment test")])
def test_an_app_that_is_not_deployed_is_named(modal: ModalServer, environment: str | None, place: str) -> None:
    launcher = ModalLauncher("minutes", environment, *TOKEN)
    with pytest.raises(Unavailable, match=f"no app minutes in .*{place}.*modal deploy"):
        launcher.launch(task("http://127.0.0.1:9/jobs/7"))
    launcher.close()


def test_without_a_token_modals_own_settings_apply(modal: ModalServer) -> None:
    launcher = ModalLauncher("hansard", None, None, None)
    with ReportServer(state=NOT_WANTED) as server:
        launcher.launch(task(server.url))
        until(lambda: server.beginnings and idle(modal))
    launcher.close()


def test_modal_that_goes_away_is_unavailable_and_found_again(caplog: pytest.LogCaptureFixture) -> None:
    with ReportServer(state=NOT_WANTED) as server:
        with modal_stand_in() as modal:
            port = int(modal.url.rpartition(":")[2])
            launcher = ModalLauncher("hansard", None, *TOKEN, patience=1.5)
            reference = launcher.launch(task(server.url))
            until(lambda: server.beginnings and idle(modal))
        with pytest.raises(Unavailable, match="cannot be reached"):
            launcher.launch(task(server.url))
        with caplog.at_level(logging.WARNING):
            launcher.cancel(reference)
        assert f"{reference} could not be cancelled" in caplog.text
        with modal_stand_in(port=port) as modal:
            until(lambda: launched(launcher, server))
            until(lambda: len(server.beginnings) > 1 and idle(modal))
        launcher.close()


def launched(launcher: ModalLauncher, server: ReportServer) -> bool:
    try:
        launcher.launch(task(server.url))
    except Unavailable:
        return False
    return True
