"""What a person may write for a language, and that the table is the whole of ISO 639-1."""

import pytest

from shared.domain.errors import Invalid
from shared.domain.languages import LANGUAGE_CODES, LANGUAGE_NAMES, normalize_language

TABLE = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es
et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki
kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no
nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta
te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""


def test_the_table_is_complete() -> None:
    assert sorted(LANGUAGE_CODES) == TABLE.split()
    assert len(LANGUAGE_CODES) == 184


def test_every_code_and_name_means_itself() -> None:
    for code, name in LANGUAGE_NAMES.items():
        assert normalize_language(code) == code
        assert normalize_language(name) == code


@pytest.mark.parametrize("text", [None, "", "  ", "auto", "AUTO", " Auto "])
def test_nothing_said_means_find_out(text: str | None) -> None:
    assert normalize_language(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EN", "en"),
        ("en-US", "en"),
        ("en_us", "en"),
        (" de ", "de"),
        ("zh-Hans-CN", "zh"),
        ("ENGLISH", "en"),
        ("haitian creole", "ht"),
        ("Mandarin", "zh"),
        ("Farsi", "fa"),
    ],
)
def test_what_people_write(text: str, code: str) -> None:
    assert normalize_language(text) == code


@pytest.mark.parametrize("text", ["xx", "eng", "en-", "en us", "englisch", "xx-US", "e", "1", "en\nde", "ＥＮ"])
def test_anything_else_is_invalid_and_says_what_to_write(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalize_language(text)
    assert str(refused.value) == f"Unknown language '{text}'; use an ISO 639-1 code such as 'en'."


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        LANGUAGE_NAMES["xx"] = "Nonsense"  # pyright: ignore[reportIndexIssue] it is the point of the test
