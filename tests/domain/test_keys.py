"""What is the key of an object."""

import pytest

from shared.domain.errors import Invalid
from shared.domain.keys import checked_key


@pytest.mark.parametrize(
    "key", ["a", "audio/one", "a/b/c", "...", "..a/.b", "ü" * 127, "a b/\x01", "x" * 255, "a/" * 511 + "ab"]
)
def test_a_key_is_parts_with_slashes_between(key: str) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "../a",
        "a/..",
        "a/./b",
        "a\x00b",
        "x" * 256,
        "ü" * 128,
        "\ud800",
        "a/" * 512 + "a",
    ],
)
def test_what_leads_elsewhere_or_is_too_long_is_no_key(key: str) -> None:
    with pytest.raises(Invalid):
        checked_key(key)
