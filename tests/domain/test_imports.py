"""What another server is called, and who speaks in what comes from it."""

import pytest

from shared.domain.errors import Invalid
from shared.domain.imports import Participant, Spoken, cast, source_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Speakr.Example.com/", "https://speakr.example.com"),
        ("https://speakr.example.com:443/api/v1/", "https://speakr.example.com"),
        ("http://user:secret@host:8899/a/b//?x=1#y", "http://host:8899/a/b"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_server_has_one_name(url: str, name: str) -> None:
    assert source_name(url) == name


@pytest.mark.parametrize("url", ["", "speakr.example.com", "ftp://host", "http://", "http://host:port", "http://[::1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        source_name(url)


def test_labels_keep_their_numbers_and_names_take_the_others() -> None:
    labels = ["Cleo", "SPEAKER_00", None, "SPEAKER_02", "SPEAKER_2", "Cleo", "SPEAKER_9999"]
    segments, people = cast([Spoken(0, 1, "word", label) for label in labels], ["Dora", "Cleo", "Dora"])
    assert [each.speaker for each in segments] == [1, 0, None, 2, 3, 1, 4]
    assert people == [
        Participant("Dora", None, listed=True),
        Participant("Cleo", 1, listed=True),
        Participant("SPEAKER_2", 3, listed=False),
        Participant("SPEAKER_9999", 4, listed=False),
    ]
