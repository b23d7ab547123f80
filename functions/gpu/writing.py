"""How words are written down: where sentences end, and capitals and full stops for engines that write none."""

from collections.abc import Iterable, Sequence

from shared.domain.transcripts import Word


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")
_CLOSERS = "\"'”’»)]"
_ABBREVIATIONS = _set("mr. mrs. ms. dr. prof. st. vs. e.g. i.e. etc. approx. jr. sr. z.b. bzw. usw.")
_ASKING = _set("what when where who whom whose why how")
_AUXILIARIES = _set(
    "is are was were am do does did can could will would shall should has have had may might must "
    "isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't hasn't haven't"
)
# Words that also open orders and conditions (“do the dishes”, “had they known”) ask only before a pronoun, or never.
_ORDERS = _set("do have")
_CONDITIONS = _set("had may should don't")
_PRONOUNS = _set("i you he she it we they")
_SUBJECTS = _PRONOUNS | _set("this that these those there the a an my your his her our their any anyone")


def ends_sentence(text: str) -> bool:
    """Whether the word `text` carries the end of a sentence: `done.`, `really?”`, but not `Dr.` or `J.`"""
    bare = text.rstrip(_CLOSERS)
    if not bare.endswith(_ENDS):
        return False
    return bare.lower() not in _ABBREVIATIONS and not (len(bare) == 2 and bare[0].isupper() and bare[1] == ".")


def is_written(words: Iterable[Word]) -> bool:
    """Whether the engine that heard `words` writes punctuation itself."""
    return any(word.text.endswith((*_ENDS, ",")) for word in words)


def written(words: Sequence[str]) -> str:
    """Bare words as a sentence: first letter large, a full stop at the end, or a question mark where that is sure."""
    text = " ".join(words)
    return text[:1].upper() + text[1:] + ("?" if _asks(words) else ".")


def _asks(words: Sequence[str]) -> bool:
    first, second = ([*(word.lower() for word in words[:3]), "", ""])[:2]
    third = words[2].lower() if len(words) > 2 else ""
    if first in _ASKING:
        return second in _AUXILIARIES and (third in _SUBJECTS or second not in _ORDERS)
    if first in _ORDERS:
        return second in _PRONOUNS
    return first in _AUXILIARIES - _CONDITIONS and second in _SUBJECTS
