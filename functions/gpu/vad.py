"""Where speech is: the Silero detector that ships with faster-whisper (https://github.com/snakers4/silero-vad)."""

from collections.abc import Iterable, Iterator

import numpy as np

from functions.gpu.audio import RATE
from shared.domain.transcripts import Span

WINDOW = 512  # samples per probability: 32 ms
STEP = WINDOW / RATE
CONTEXT = 64  # samples of the window before that the network wants to see
BATCH = 1024  # windows per call of the network: larger ones cost memory and gain nothing
ENTER, LEAVE = 0.5, 0.35  # probability at which speech begins, and below which it ends
SHORTEST_SPEECH = 0.1
SHORTEST_SILENCE = 0.4  # a shorter pause belongs to the speech around it
PAD = 0.2  # kept on both sides: soft first and last sounds lie below the threshold


def speech(samples: np.ndarray, offset: float = 0.0) -> list[Span]:
    """The stretches of `samples` (16 kHz mono float32) that hold speech, in order; times are seconds plus `offset`."""
    return spans(probabilities(samples), len(samples) / RATE, offset)


def probabilities(samples: np.ndarray) -> np.ndarray:
    """How likely each window of 32 ms holds speech: float32 of shape (ceil(len(samples) / 512),)."""
    return np.concatenate([*Detector().feed_all([samples]), np.zeros(0, np.float32)])


class Detector:
    """Silero over a stream of blocks, with the same answer as over the whole."""

    def __init__(self) -> None:
        # Importing faster_whisper costs a second: only those who listen pay it.
        from faster_whisper.vad import get_vad_model

        self._session = get_vad_model().session
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)

    def feed(self, block: np.ndarray) -> np.ndarray:
        """The probabilities of the windows that `block` completes: float32 of shape (windows,)."""
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(samples) // WINDOW * WINDOW
        self._rest = samples[whole:].copy()
        return self._run(samples[:whole])

    def finish(self) -> np.ndarray:
        """The probability of the last, incomplete window, if there is one."""
        if not len(self._rest):
            return np.zeros(0, np.float32)
        return self.feed(np.zeros(WINDOW - len(self._rest), np.float32))

    def feed_all(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            yield self.feed(block)
        yield self.finish()

    def _run(self, samples: np.ndarray) -> np.ndarray:
        windows = samples.reshape(-1, WINDOW)
        found = np.zeros(len(windows), np.float32)
        for at in range(0, len(windows), BATCH):
            batch = windows[at : at + BATCH]
            # Each window is preceded by the last samples of the one before it.
            before = np.concatenate([self._context[None], batch[:-1, -CONTEXT:]])
            self._context = batch[-1, -CONTEXT:]
            inputs = {"input": np.concatenate([before, batch], axis=1), "h": self._h, "c": self._c}
            output, self._h, self._c = self._session.run(None, inputs)
            found[at : at + len(batch)] = np.asarray(output).reshape(-1)
        return found


def spans(
    found: np.ndarray, duration: float, offset: float = 0.0, silence: float = SHORTEST_SILENCE, pad: float = PAD
) -> list[Span]:
    """Stretches of speech from `probabilities`; `silence` is the shortest pause between two, in seconds."""
    return _padded(list(_raw_spans(found, duration, silence)), duration, offset, pad)


def _raw_spans(found: np.ndarray, duration: float, silence: float) -> Iterator[tuple[float, float]]:
    """Hysteresis: begins at ENTER, ends where it stays below LEAVE for `silence` seconds."""
    begin = quiet = None
    for index, probability in enumerate(found.tolist()):
        if probability >= ENTER:
            begin = index if begin is None else begin
            quiet = None
        elif begin is not None and probability < LEAVE:
            quiet = index if quiet is None else quiet
            if (index + 1 - quiet) * STEP >= silence:
                if (quiet - begin) * STEP >= SHORTEST_SPEECH:
                    yield begin * STEP, quiet * STEP
                begin = quiet = None
    if begin is not None:
        end = min(duration, (len(found) if quiet is None else quiet) * STEP)
        if end - begin * STEP >= SHORTEST_SPEECH:
            yield begin * STEP, end


def _padded(raw: list[tuple[float, float]], duration: float, offset: float, pad: float) -> list[Span]:
    padded = []
    for index, (begin, end) in enumerate(raw):
        # Neighbours share a pause that is too short for the padding of both.
        low = (raw[index - 1][1] + begin) / 2 if index else 0.0
        high = (end + raw[index + 1][0]) / 2 if index + 1 < len(raw) else duration
        padded.append(Span(offset + max(low, begin - pad), offset + min(high, end + pad)))
    return padded
