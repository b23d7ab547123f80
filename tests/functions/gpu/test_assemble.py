"""Words and turns become segments: who, where they break, and that batching changes nothing."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gpu.assemble import LONGEST_CHARACTERS, LONGEST_SECONDS, Assembler, assign, floor_share
from shared.domain.transcripts import Diarization, Segment, SliceResult, Turn, Word


def words(*texts: str, start: float = 0.0, length: float = 0.3, pause: float = 0.05) -> tuple[Word, ...]:
    step = length + pause
    return tuple(Word(text, start + i * step, start + i * step + length) for i, text in enumerate(texts))


def assembled(results: list[SliceResult], *turns: Turn) -> list[Segment]:
    assembler = Assembler(Diarization(turns, "test") if turns else None)
    segments = [segment for result in results for segment in assembler.add(result)]
    return [*segments, *assembler.finish()]


def one(found: tuple[Word, ...], *turns: Turn) -> list[Segment]:
    return assembled([SliceResult(0, found, 1.0)], *turns)


# --- who ---


def test_the_middle_of_a_word_decides() -> None:
    turns = [Turn(0.0, 1.0, 0), Turn(1.0, 2.0, 1)]
    assert assign([Word("a", 0.7, 1.2), Word("b", 0.9, 1.4)], turns) == [0, 1]


def test_in_a_gap_the_nearest_turn_has_the_word() -> None:
    turns = [Turn(0.0, 1.0, 0), Turn(2.0, 3.0, 1)]
    spoken = [Word("a", 1.1, 1.3), Word("b", 1.7, 1.9), Word("c", 3.2, 3.4)]
    assert assign(spoken, turns) == [0, 1, 1]


def test_far_from_every_turn_the_speaker_before_goes_on() -> None:
    turns = [Turn(0.0, 1.0, 0), Turn(20.0, 21.0, 1)]
    assert assign([Word("a", 0.2, 0.4), Word("b", 10.0, 10.2), Word("c", 18.0, 18.2)], turns) == [0, 0, 0]


def test_before_the_first_turn_the_first_speaker_has_the_word() -> None:
    assert assign([Word("a", 0.0, 0.2)], [Turn(0.5, 1.0, 2)]) == [2]


def test_without_turns_nobody_is_named() -> None:
    assert assign(words("a", "b"), []) == [None, None]
    assert assign([], [Turn(0.0, 1.0, 0)]) == []


def test_a_change_inside_running_speech_moves_to_the_pause_beside_it() -> None:
    spoken = [*words("so", "i", "think", pause=0.0), *words("yes", "of", "course", start=1.4, pause=0.0)]
    early, late = [Turn(0.0, 0.55, 0), Turn(0.55, 3.0, 1)], [Turn(0.0, 1.75, 0), Turn(1.75, 3.0, 1)]
    assert assign(spoken, early) == [0, 0, 0, 1, 1, 1]
    assert assign(spoken, late) == [0, 0, 0, 1, 1, 1]


def _slow(spoken: list[Word], turns: list[Turn]) -> list[int | None]:
    """The rule of the middle, word by word over all turns."""
    found: list[int | None] = []
    for word in spoken:
        middle = (word.start + word.end) / 2
        inside = [turn.speaker for turn in turns if turn.start <= middle < turn.end]
        near = min(turns, key=lambda turn: max(turn.start - middle, middle - turn.end))
        distance = max(near.start - middle, middle - near.end)
        begun = [turn.speaker for turn in turns if turn.start <= middle] or [turns[0].speaker]
        previous = found[-1] if found else begun[-1]
        found.append(inside[0] if inside else near.speaker if distance <= 1.0 else previous)
    return found


@given(st.integers(0, 10_000))
def test_one_sweep_finds_what_a_search_for_each_word_finds(seed: int) -> None:
    chance = random.Random(seed)
    turns, spoken, at = [], [], 0.0
    for _ in range(chance.randint(1, 12)):
        length = chance.uniform(0.2, 4.0)
        turns.append(Turn(at, at + length, chance.randrange(3)))
        at += length + chance.choice((0.0, 0.3, 3.0))
    clock = chance.uniform(0, 3)
    while clock < at + 3:
        length = chance.uniform(0.1, 0.5)
        spoken.append(Word("w", clock, clock + length))
        clock += length  # no pauses: nothing for a change to move to
    assert assign(spoken, turns) == _slow(spoken, turns)


# --- segments ---


def test_a_sentence_is_written_down() -> None:
    (segment,) = one(words("hello", "I", "think", "so"))
    assert segment == Segment(0, 0.0, segment.end, "Hello I think so.", None, words("hello", "I", "think", "so"))


def test_a_pause_ends_a_segment() -> None:
    found = one(words("good", "morning") + words("fine", "thanks", start=2.0))
    assert [segment.text for segment in found] == ["Good morning.", "Fine thanks."]
    assert [segment.position for segment in found] == [0, 1]


def test_a_change_of_speakers_ends_a_segment() -> None:
    found = one(words("good", "morning", "fine", "thanks"), Turn(0.0, 0.7, 1), Turn(0.7, 2.0, 0))
    assert [(segment.speaker, segment.text) for segment in found] == [(1, "Good morning."), (0, "Fine thanks.")]


def test_what_an_engine_punctuates_is_kept() -> None:
    found = one(words("Dr.", "Smith", "came.", "He", "said:", "no!", "really?"))
    assert [segment.text for segment in found] == ["Dr. Smith came.", "He said: no!", "really?"]


def test_a_long_sentence_is_broken_at_its_best_pause() -> None:
    spoken = words(*["word"] * 30, length=0.4) + words(*["more"] * 30, start=14.0, length=0.4, pause=0.0)
    found = one(spoken)
    assert found[0].words[-1].text == "word"
    assert found[1].words[0].text == "more"
    assert len(found[0].words) == 30


@given(st.lists(st.tuples(st.floats(0.05, 1.0), st.floats(0.0, 1.0), st.integers(1, 14)), max_size=300))
def test_segments_keep_every_word_and_their_bounds(spoken: list[tuple[float, float, int]]) -> None:
    at, found = 0.0, []
    for length, pause, letters in spoken:
        found.append(Word("x" * letters, at, at + length))
        at += length + pause
    segments = one(tuple(found), Turn(0.0, at / 2 + 0.1, 0), Turn(at / 2 + 0.1, at + 1.0, 1))
    assert [word for segment in segments for word in segment.words] == found
    assert [segment.position for segment in segments] == list(range(len(segments)))
    for segment in segments:
        assert segment.end - segment.start <= LONGEST_SECONDS + 1.0
        assert len(segment.text) <= LONGEST_CHARACTERS + 15
        assert segment.end >= segment.start


# --- slices ---


def test_a_seam_does_not_split_a_sentence() -> None:
    first, second = words("we", "will", "meet"), words("on", "friday", start=1.1)
    assembler = Assembler(None)
    assert assembler.add(SliceResult(0, first, 1.0)) == ()
    assert assembler.add(SliceResult(1, second, 1.0)) == ()
    (segment,) = assembler.finish()
    assert segment.text == "We will meet on friday."
    assert assembler.finish() == ()


def test_words_told_twice_at_a_seam_are_told_once() -> None:
    first = words("we", "will", "meet")
    second = (first[-1], *words("on", "friday", start=1.1))
    (segment,) = assembled([SliceResult(0, first, 1.0), SliceResult(1, second, 1.0)])
    assert segment.text == "We will meet on friday."


def test_words_out_of_order_are_put_in_order() -> None:
    spoken = words("one", "two", "three")
    (segment,) = one((spoken[1], spoken[0], spoken[2]))
    assert segment.text == "One two three."


def test_a_slice_without_words_changes_nothing() -> None:
    spoken = words("one", "two")
    whole = assembled([SliceResult(0, spoken, 1.0)])
    assert assembled([SliceResult(0, (), 0.0), SliceResult(1, spoken, 1.0), SliceResult(2, (), 0.0)]) == whole
    assert assembled([]) == []


@pytest.mark.parametrize("count", [2, 3, 7])
def test_slices_give_the_segments_of_the_whole(truth: list[dict[str, Any]], count: int) -> None:
    spoken, turns = [], []
    for turn in truth:
        texts = turn["text"].lower().replace(".", "").replace("?", "").replace(",", "").split()
        step = (turn["end"] - turn["start"]) / len(texts)
        spoken += words(*texts, start=turn["start"], length=step * 0.9, pause=step * 0.1)
        turns.append(Turn(turn["start"], turn["end"], ["slt", "rms", "awb"].index(turn["voice"])))
    size = -(-len(spoken) // count)
    parts = [SliceResult(i, tuple(spoken[i * size : (i + 1) * size]), 1.0) for i in range(count)]
    whole = assembled([SliceResult(0, tuple(spoken), 1.0)], *turns)
    assert assembled(parts, *turns) == whole
    assert [segment.speaker for segment in whole] == [turn.speaker for turn in turns]


@pytest.mark.parametrize(
    ("turns", "share"),
    [
        ([Turn(0.0, 10.0, 0)], 1.0),
        ([Turn(0.0, 0.5, 0), Turn(0.5, 10.0, 1)], 0.25),
        ([Turn(0.0, 1.5, 0), Turn(2.0, 10.0, 0)], 0.75),
        ([Turn(5.0, 10.0, 0)], 0.0),
        ([Turn(0.0, 10.0, 1)], 0.0),
    ],
)
def test_the_confidence_in_a_speaker_is_the_share_of_the_floor(turns: list[Turn], share: float) -> None:
    words = [Word("one", 0.0, 1.0), Word("two", 1.0, 2.0)]
    assert floor_share(words, turns, 0) == share
