"""How fast words get their speakers: 10 hours of meeting. Run: python -m bench.speakers"""

import random
import time

from functions.gpu.assemble import assign
from shared.domain.transcripts import Turn, Word

WORDS, TURNS, RUNS = 90_000, 8_400, 5


def main() -> None:
    words = made_up_words(random.Random(1))
    turns = made_up_turns(random.Random(2), words[-1].end)
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        assign(words, turns)
        times.append(time.perf_counter() - begun)
    print(f"speakers for {WORDS} words from {TURNS} turns: {min(times) * 1000:.0f} ms (target <= 100)")


def made_up_words(chance: random.Random) -> list[Word]:
    words, at = [], 0.0
    for _ in range(WORDS):
        length = chance.uniform(0.1, 0.5)
        words.append(Word("word", at, at + length))
        at += length + chance.choice((0.0, 0.0, 0.02, 0.3))
    return words


def made_up_turns(chance: random.Random, until: float) -> list[Turn]:
    turns, at = [], 0.0
    for _ in range(TURNS):
        length = until / TURNS * chance.uniform(0.5, 1.4)
        turns.append(Turn(at, at + length, chance.randrange(6)))
        at += length + chance.choice((0.0, 0.2))
    return turns


if __name__ == "__main__":
    main()
