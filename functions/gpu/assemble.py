"""Words and turns become segments: who said which word, where sentences end, and how they are written down."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from functions.gpu.writing import ends_sentence, is_written, written
from shared.domain.transcripts import Diarization, Segment, SliceResult, Turn, Word

NEAR_TURN = 1.0  # seconds up to which a word outside all turns goes to the nearest one
SNAP_WORDS, SNAP_PAUSE = 2, 0.15  # a change of speakers moves by up to 2 words to a pause of at least 0.15 s
PAUSE = 0.7  # a silence that ends a segment
LONGEST_SECONDS, LONGEST_CHARACTERS = 15.0, 200


def assign(words: Sequence[Word], turns: Sequence[Turn]) -> list[int | None]:
    """The speaker of each word: who has the floor at its middle, else the nearest turn within 1 s, else the one before.

    `words` and `turns` are in order of time. One sweep over both, O(words + turns); afterwards a change of speakers
    that falls inside running speech moves to the pause beside it, as people pause between turns rather than in them.
    """
    if not turns:
        return [None] * len(words)
    if not words:
        return []
    speakers = _sweep(words, turns)
    changes = [i for i, (before, after) in enumerate(pairwise(speakers), 1) if before != after]
    for change in changes:
        _snap(words, speakers, change)
    return list(speakers)


def _sweep(words: Sequence[Word], turns: Sequence[Turn]) -> list[int]:
    first = (words[0].start + words[0].end) / 2
    at = max(0, bisect_right(turns, first, key=lambda turn: turn.start) - 1)
    turn, last = turns[at], len(turns) - 1
    speaker = turn.speaker
    speakers = []
    for word in words:
        middle = (word.start + word.end) / 2
        while turn.end <= middle and at < last and turns[at + 1].start <= middle:
            at += 1
            turn = turns[at]
        inside = turn.start <= middle < turn.end
        speaker = turn.speaker if inside else _nearest(turns, at, middle, speaker)
        speakers.append(speaker)
    return speakers


def _nearest(turns: Sequence[Turn], at: int, middle: float, previous: int) -> int:
    """The speaker of the turn nearest to `middle`, which lies in the gap beside `turns[at]`."""
    before = abs(middle - turns[at].end) if middle >= turns[at].end else turns[at].start - middle
    after = turns[at + 1].start - middle if at + 1 < len(turns) else float("inf")
    if min(before, after) > NEAR_TURN:
        return previous
    return turns[at].speaker if before <= after else turns[at + 1].speaker


def _snap(words: Sequence[Word], speakers: list[int], change: int) -> None:
    """Moves a change of speakers without a pause before word `change` to the longest pause within a few words."""
    low, high = change, change
    while low > 1 and change - low < SNAP_WORDS and speakers[low - 2] == speakers[change - 1]:
        low -= 1
    while high + 1 < len(words) and high - change < SNAP_WORDS and speakers[high + 1] == speakers[change]:
        high += 1
    pauses = {i: words[i].start - words[i - 1].end for i in range(low, high + 1)}
    best = max(pauses, key=lambda i: (pauses[i], -abs(i - change)))
    if pauses[best] < SNAP_PAUSE or pauses[change] >= SNAP_PAUSE:
        return
    before, after = speakers[change - 1], speakers[change]
    speakers[best:change] = [after] * max(0, change - best)
    speakers[change:best] = [before] * max(0, best - change)


class Assembler:
    """Turns slices, added in order of their index, into segments; keeps the last, open one until it is known to end.

    `diarization` None leaves all speakers None. The segments depend on the slices alone, not on when they are added.
    """

    def __init__(self, diarization: Diarization | None) -> None:
        self._turns = diarization.turns if diarization else ()
        self._open: list[Word] = []
        self._speaker: int | None = None
        self._characters = 0
        self._position = 0
        self._heard_until = 0.0
        self._written = False

    def add(self, result: SliceResult) -> tuple[Segment, ...]:
        """The segments that `result` completes. Words that an earlier slice has already told are dropped."""
        words = [word for word in result.words if (word.start + word.end) / 2 >= self._heard_until]
        words.sort(key=lambda word: word.start)
        self._written = self._written or is_written(words)
        found: list[Segment] = []
        for word, speaker in zip(words, assign(words, self._turns), strict=True):
            found += self._take(word, speaker)
        self._heard_until = max([self._heard_until, *(word.end for word in words)])
        return tuple(found)

    def finish(self) -> tuple[Segment, ...]:
        """The last segment, if one is open."""
        return tuple(self._close(len(self._open)))

    def _take(self, word: Word, speaker: int | None) -> Iterator[Segment]:
        if self._open and self._ends_before(word, speaker):
            yield from self._close(len(self._open))
        self._open.append(word)
        self._speaker = speaker
        self._characters += len(word.text) + 1
        if len(self._open) > 1 and self._too_long():
            yield from self._close(_best_break(self._open))

    def _ends_before(self, word: Word, speaker: int | None) -> bool:
        last = self._open[-1]
        return speaker != self._speaker or word.start - last.end >= PAUSE or ends_sentence(last.text)

    def _too_long(self) -> bool:
        seconds = self._open[-1].end - self._open[0].start
        return seconds > LONGEST_SECONDS or self._characters > LONGEST_CHARACTERS

    def _close(self, count: int) -> Iterator[Segment]:
        words = tuple(self._open[:count])
        if not words:
            return
        del self._open[:count]
        self._characters = sum(len(word.text) + 1 for word in self._open)
        texts = [word.text for word in words]
        text = " ".join(texts) if self._written else written(texts)
        end = max(word.end for word in words)
        share = None if self._speaker is None else floor_share(words, self._turns, self._speaker)
        yield Segment(self._position, words[0].start, end, text, self._speaker, words, share)
        self._position += 1


def floor_share(words: Sequence[Word], turns: Sequence[Turn], speaker: int) -> float:
    """The share (0..1) of the time of `words` that lies in turns of `speaker`; both are in order of time."""
    at = max(0, bisect_right(turns, words[0].start, key=lambda turn: turn.start) - 1)
    spoken = sum(word.end - word.start for word in words)
    inside = 0.0
    for word in words:
        while at + 1 < len(turns) and turns[at].end <= word.start:
            at += 1
        reached = at
        while reached < len(turns) and turns[reached].start < word.end:
            turn = turns[reached]
            if turn.speaker == speaker:
                inside += max(0.0, min(word.end, turn.end) - max(word.start, turn.start))
            reached += 1
    return round(min(1.0, inside / spoken), 3) if spoken > 0 else 0.0


def _best_break(words: Sequence[Word]) -> int:
    """How many words to close: up to the longest pause in the second half, a comma counting as a pause."""
    half = max(1, len(words) // 2)

    def pause(i: int) -> float:
        return words[i].start - words[i - 1].end + (PAUSE if words[i - 1].text.endswith((",", ";", ":")) else 0.0)

    return max(range(half, len(words)), key=lambda i: (pause(i), i))
