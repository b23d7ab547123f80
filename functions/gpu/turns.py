"""From voices to turns: the likeliest speaker of every step of speech, and clean borders between them."""

from collections.abc import Sequence

import numpy as np

from functions.gpu.clustering import Embedder, Space, Steps
from functions.gpu.voices import STEP, VoiceSteps
from shared.domain.transcripts import Span, Turn

REACH = 5  # steps to both sides that a step is judged by
# Neighbouring steps share nearly all they are judged by: together they are worth about one independent observation
# per window, not one per step.
INDEPENDENCE = 1 / (2 * REACH + 1)
CHANGE_INSIDE, CHANGE_AT_PAUSE = 9.0, 4.0  # what a change of speakers costs, in log likelihood
REFINE = 3  # steps around a change inside speech that are searched for a quieter moment
JOIN = 0.5  # seconds of silence that do not end a turn if the same speaker goes on
SILENT = -1
CHUNK = 10_000  # steps at once: bounds memory


def label_steps(
    stretches: Sequence[Steps], embed: Embedder, space: Space, centroids: np.ndarray, least: int = 1
) -> np.ndarray:
    """The speaker (row of `centroids`) of each step, -1 outside speech: Viterbi over all steps of speech.

    At least `least` speakers are left; the changes are made cheaper until it is so.
    """
    at = np.concatenate([np.arange(begin, end) for begin, end in stretches])
    begins = np.concatenate([np.full(end - begin, begin) for begin, end in stretches])
    ends = np.concatenate([np.full(end - begin, end) for begin, end in stretches])
    ranges = np.stack([np.maximum(begins, at - REACH), np.minimum(ends, at + REACH + 1)], axis=1)
    likelihood = np.empty((len(at), len(centroids)))
    for first in range(0, len(at), CHUNK):
        points = space(embed(ranges[first : first + CHUNK]))
        for speaker, centroid in enumerate(centroids):
            squared = ((points - centroid) ** 2).sum(axis=1)
            likelihood[first : first + CHUNK, speaker] = -0.5 * INDEPENDENCE * squared
    first_of_stretch = at == begins
    path = np.zeros(len(at), int)
    for cheaper in (1.0, 0.3, 0.0):
        path = _viterbi(likelihood, np.where(first_of_stretch, CHANGE_AT_PAUSE, CHANGE_INSIDE) * cheaper)
        if len(np.unique(path)) >= least:
            break
    labels = np.full(ends.max(), SILENT)
    labels[at] = path
    return labels


def _viterbi(likelihood: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """The best path through `likelihood` (steps, speakers) when a change before step t costs `cost[t]`."""
    count = likelihood.shape[1]
    score = likelihood[0].copy()
    came_from = np.zeros(likelihood.shape, np.int16)
    own = np.arange(count)
    for t in range(1, len(likelihood)):
        best = int(score.argmax())
        changed = score[best] - cost[t]
        stays = score >= changed
        came_from[t] = np.where(stays, own, best)
        score = np.where(stays, score, changed) + likelihood[t]
    path = np.zeros(len(likelihood), int)
    path[-1] = int(score.argmax())
    for t in range(len(likelihood) - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def turns_of(
    labels: np.ndarray, steps: VoiceSteps, stretches: Sequence[Steps], spoken: Sequence[Span]
) -> tuple[tuple[Turn, ...], list[int]]:
    """Turns with speakers numbered by first appearance, and which label became speaker 0, 1, …"""
    order: list[int] = []
    turns: list[Turn] = []
    for (begin, end), span in zip(stretches, spoken, strict=True):
        if begin == end:
            continue
        changes = [t for t in range(begin + 1, end) if labels[t] != labels[t - 1]]
        borders = [span.start, *(_quiet_moment(steps, t, begin, end) for t in changes), span.end]
        for piece, label in enumerate([int(labels[begin]), *(int(labels[t]) for t in changes)]):
            if label not in order:
                order.append(label)
            _append(turns, Turn(borders[piece], borders[piece + 1], order.index(label)))
    return tuple(Turn(round(turn.start, 3), round(turn.end, 3), turn.speaker) for turn in turns), order


def _quiet_moment(steps: VoiceSteps, change: int, begin: int, end: int) -> float:
    """Where speakers change near step `change`: in the middle of the quietest step, if one is quieter than speech."""
    low, high = max(begin, change - REFINE), min(end, change + REFINE)
    loudness = steps.loudness[low:high]
    if len(loudness) and np.median(loudness) - loudness.min() > 1.5:
        return (low + int(loudness.argmin()) + 0.5) * STEP
    return change * STEP


def _append(turns: list[Turn], turn: Turn) -> None:
    if turn.end <= turn.start:
        return
    last = turns[-1] if turns else None
    if last is not None and last.speaker == turn.speaker and turn.start - last.end <= JOIN:
        turns[-1] = Turn(last.start, turn.end, last.speaker)
    else:
        turns.append(turn)
