"""The sentences of a transcript: cut out, cleaned for display, and judged as content, small talk or announcement."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.gpu.summarize_words import Language, plain
from shared.domain.transcripts import Segment

SMALL_TALK_SHARE = 0.25
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<![\s.]\w\.)(?<!\b[DM][rs]\.)[\"'”’)]*\s+|(?<=[。！？])\s*")
_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”")

_LEAD = re.compile(
    r"^(?:(?:(?:um+|uh+|erm?|hm+|mm+(?:-hmm?)?|oh|okay|ok|yeah|yep|alright|you know|i mean|(?:fine|okay|good) with me|"
    r"hello everyone|hi everyone|(?:thank you|thanks)(?: all| everyone| very much| so much)?)\b[,.;:!\s]+)|"
    r"(?:so|and|but|well|right|great|good|fine|sure|anyway|now|then|yes|no|lovely)\b"
    r"(?:[,.;:!]+\s*|\s+(?=(?:i|i'm|i'll|we|we're|we'll|you|he|she|it|they|there|the|a|that|that's|this|my|our|let's|"
    r"so|and|but|what|how|who|can|is|now|then|as|first|at|um|uh|okay|well)\b)))+",
    re.IGNORECASE,
)
_FILLER = re.compile(r",?\s\b(?:um+|uh+|erm?|mm+)\b,?(?=\s)", re.IGNORECASE)
_STUTTER = re.compile(r"\b(i|i'm|you|we|we're|it|it's|the|an?|to|of|our|my|this|and|so|but|is|in|what)(?: \1\b)+", re.I)
_LONE_I = re.compile(r"\bi\b(?!\.\w)")
_SMALL_TALK = re.compile(
    r"\b(?:(?:hello|hi|hey|good (?:morning|afternoon|evening|night)|good ?bye|bye|welcome(?: back)?(?: to)?|cheers)"
    r"(?: (?:to )?(?:everyone|everybody|all|there|again|guys|folks|team|you))*|"
    r"thank(?:s| you)(?: (?:all|everyone|everybody|guys|so much|very much|a lot|again|for (?:coming|joining|your time|"
    r"listening|watching|being here|having me)))*|you(?:'re| are) (?:very )?welcome|"
    r"(?:can|do) you (?:all )?(?:hear|see) (?:me|my screen)|you(?:'re| are) (?:on mute|muted)|(?:is|are) everyone here|"
    r"(?:nice|good|great) to (?:meet|see|hear|talk to) you|how are you(?: doing)?|see you(?: \w+){0,3}|"
    r"have a (?:good|great|nice) \w+|sounds (?:good|great)|(?:fine|okay|good) with me|of course|no problem|"
    r"i (?:don't )?(?:think|guess|hope|know|agree|see)(?: so| not)?|got it|that's (?:right|true|it|all|fine|good)|"
    r"let me share my screen|sorry (?:for|about|i'm|i am) (?:being )?(?:late|that)|you know|i mean)(?!\w)"
)
_ANNOUNCING = re.compile(
    r"\b(?:(?:talk|talking|speak|chat|hear|question|questions|presentation|discussion) about|discuss(?:ing)?|"
    r"focus(?:ing)? on|(?:move|moving) (?:on|over) to|(?:next|first|last|second|third|main|other) "
    r"(?:item|topic|point|thing|subject)(?: on the agenda)?(?: is|'s)?|agenda(?: is)?|turn(?:ing)? to|update on|"
    r"go(?:ing)? (?:over|through)|review(?:ing)?|bring up|cover(?:ing)?|(?:start|begin|starting) with|"
    r"(?:subject|topic) is|look(?:ing)? (?:at|into)|when it comes to|as for|regarding|status of|problem with)\b"
)
_OPENING_A_TOPIC = re.compile(
    r"\b(?:(?:want|like|need|going|wanted) to (?:also )?(?:talk about|discuss|bring up|go over|cover|mention)|"
    r"(?:let's|let us|can we|shall we|now|we|i)(?: will|'ll)? (?:now )?(?:talk about|discuss|turn to|move on|"
    r"start with|go over|look at the next)|mov(?:e|ing) on|next (?:item|topic|point|thing|up|on the agenda)|"
    r"last (?:item|topic|point|thing)|another (?:item|topic|point|thing)|one more thing|any other business|"
    r"switching gears|before we (?:finish|close|wrap up)|to wrap up|what about the)\b"
)
_WEIGHTY = re.compile(
    r"\d|\b(?:hundred|thousand|million|billion|percent|dollars?|euros?|pounds|deadline|decid(?:e|ed)|decision|agreed?|"
    r"important|problem|issue|risk|because|result|conclusion|in summary|to sum up|means that|plan|goal|cost|budget|"
    r"january|february|april|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|"
    r"friday|tomorrow|next (?:week|month|quarter|year))\b"
)
_UNSURE = re.compile(
    r"\b(?:i don't (?:know|remember|care|mind)|i dunno|i'm not (?:really )?sure|no idea|forgot|sorry)\b"
)
_QUESTION = re.compile(
    r"^(?:(?:so|and|but|okay|well) )?(?:what|why|how|who|where|when|which|can|could|do|does|did|is|are|was|were|shall|"
    r"should|would|will|have|has)(?:n't)? (?:we|you|i|it|that|this|they|he|she|the|there|do|did|is|are|about)\b"
)
_DANGLING = re.compile(
    r"^(?:(?:so|and|but|because) )?(?:that|it|it's|that's|this|they|they're|he|she|these|those|which)\b"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: as it is shown, and as the ranking sees it.

    `tokens` are (word, start, end) with character positions in `text`; `terms` are the stems of the words that carry
    meaning, small talk left out; `start` is in seconds, interpolated within the segment.
    """

    text: str
    start: float
    segment: int
    speaker: int | None
    tokens: tuple[tuple[str, int, int], ...]
    terms: tuple[str, ...]

    @property
    def words(self) -> int:
        return len(self.tokens)


def sentences_of(segments: Sequence[Segment], language: Language) -> list[Sentence]:
    """All sentences that hold a word, in order. A segment without punctuation is one sentence."""
    return [sentence for i, segment in enumerate(segments) for sentence in _cut(i, segment, language)]


def _cut(index: int, segment: Segment, language: Language) -> Iterable[Sentence]:
    duration = max(0.0, segment.end - segment.start)
    said = " ".join(segment.text.split())
    at = 0
    for piece in _SENTENCE_END.split(said):
        start = segment.start + duration * at / max(1, len(said))
        at += len(piece) + 1
        text = _tidy(piece, language)
        tokens = language.tokens(text)
        if tokens:
            yield Sentence(text, start, index, segment.speaker, tuple(tokens), _terms(text, language))


def _terms(text: str, language: Language) -> tuple[str, ...]:
    content = _SMALL_TALK.sub(" ", plain(text)) if language.english else text
    found = (language.term(word) for word, _, _ in language.tokens(content))
    return tuple(term for term in found if term is not None)


def _tidy(text: str, language: Language) -> str:
    """A sentence on its own: without "So, um," in front, with a capital and an end."""
    if language.english:
        text = _STUTTER.sub(r"\1", _FILLER.sub("", _LEAD.sub("", text) or text))
        text = _LONE_I.sub("I", text)
    text = text.strip(" ,;:-")
    if text and not text.endswith(_ENDS):
        text += "."
    return capitalized(text)


def capitalized(text: str) -> str:
    """With a capital first letter, unless the first word has capitals of its own ("iPhone")."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first == first.lower() else text


def importance(sentence: Sentence, language: Language) -> float:
    """A factor on the centrality of a sentence: 0 for small talk, more than 1 for announcements and facts.

    The cue and title methods of Edmundson (1969), with cues of spoken English; other languages know only lengths.
    """
    terms = len(set(sentence.terms))
    if terms < 2:
        return 0.0
    factor = min(1.0, terms / 4)
    return factor * _cues(plain(sentence.text)) if language.english else factor


def _cues(said: str) -> float:
    factor = 1.0
    if _ANNOUNCING.search(said):
        factor *= 1.5
    if _WEIGHTY.search(said):
        factor *= 1.3
    if said.endswith("?"):
        factor *= 0.05
    elif _QUESTION.match(said):
        factor *= 0.3
    if _UNSURE.search(said):
        factor *= 0.5
    if _DANGLING.match(said):
        factor *= 0.6
    if sum(len(match) for match in _SMALL_TALK.findall(said)) > SMALL_TALK_SHARE * len(said):
        factor *= 0.2
    return factor


def opens_topic(sentence: Sentence, language: Language) -> bool:
    """Whether the speaker says that something else comes now."""
    return language.english and _OPENING_A_TOPIC.search(plain(sentence.text)) is not None


def announced_from(sentence: Sentence, language: Language) -> int | None:
    """The character at which the announced subject begins ("talk about | the budget"), if there is one."""
    match = _ANNOUNCING.search(plain(sentence.text)) if language.english else None
    return match.end() if match else None


def shortened(text: str, words: int) -> str:
    """At most so many words, with an ellipsis where it was cut."""
    parts = text.split()
    return text if len(parts) <= words else " ".join(parts[:words]).rstrip(".,;:") + "…"
