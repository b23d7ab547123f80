"""What the functions of modal_app.py do; the whole of it runs in tests/infra/local/test_modal_server.py."""

import traceback
from collections.abc import Callable
from uuid import uuid4

import pytest

from shared.domain.errors import Unavailable
from shared.domain.tasks import TranscribeOptions
from shared.domain.transcripts import Slice
from shared.wiring import modal as wiring
from tests.support.report_server import ReportServer

OPTIONS = TranscribeOptions(engine="pocketsphinx")


@pytest.mark.parametrize(
    "work",
    [
        lambda url: wiring.transcribe(url, Slice(0, 0.0, 1.0), OPTIONS),
        lambda url: wiring.diarize(url, OPTIONS),
    ],
)
def test_errors_do_not_tell_the_signed_address_of_the_audio(work: Callable[[str], object]) -> None:
    signature = uuid4().hex
    with ReportServer(*[403] * 100) as server, pytest.raises(Unavailable) as raised:
        work(f"{server.url}?X-Amz-Signature={signature}")
    assert signature not in "".join(traceback.format_exception(raised.value))


def test_a_snapshot_can_be_prepared_without_a_model() -> None:
    wiring.prepare()
