"""What a voice sounds like, in numpy: spectral shape (MFCC) and pitch, summed up over steps of 0.1 s."""

from dataclasses import dataclass

import numpy as np

from functions.gpu.audio import RATE

STEP = 0.1  # seconds per row of features
HOP = 160  # samples between frames: 10 ms
FRAME = 400  # samples per frame: 25 ms
STEP_SAMPLES = round(STEP * RATE)
FRAMES_PER_STEP = STEP_SAMPLES // HOP
FFT = 512
BANDS, LOW_HZ, HIGH_HZ = 32, 60.0, 7600.0
# Cepstral coefficients 1..12. The 0th is loudness, which says little about who speaks; the higher ones follow the
# microphone and the codec as much as the voice.
COEFFICIENTS = 12
PITCH_FRAME = 1024
LOWEST_PITCH, HIGHEST_PITCH = 65.0, 380.0  # Hz
VOICED = 0.55  # normalized autocorrelation from which a frame counts as voiced
EMPHASIS = 0.97
CHUNK_STEPS = 600  # steps per pass: bounds memory


@dataclass(frozen=True, slots=True)
class VoiceSteps:
    """One row per step of 0.1 s from the beginning of the recording.

    `shape`: mean cepstrum, float32 (steps, 12); `spread`: its mean square, float32 (steps, 12);
    `loudness`: log energy, float32 (steps,); `pitch`: log2 of the fundamental in Hz, 0 if unvoiced, float32 (steps,).
    """

    shape: np.ndarray
    spread: np.ndarray
    loudness: np.ndarray
    pitch: np.ndarray

    def __len__(self) -> int:
        return len(self.loudness)


class Listener:
    """Sums up a stream of 16 kHz mono blocks; keeps 0.1 kB per step, 40 MB for 10 hours."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._rows: list[tuple[np.ndarray, ...]] = []

    def feed(self, block: np.ndarray) -> None:
        self._rest = np.concatenate([self._rest, block])
        size = CHUNK_STEPS * STEP_SAMPLES
        while len(self._rest) >= size + PITCH_FRAME:
            # The last frames reach over the end of their step.
            self._rows.append(_features(self._rest[: size + PITCH_FRAME]))
            self._rest = self._rest[size:]

    def finish(self) -> VoiceSteps:
        steps = -(-len(self._rest) // STEP_SAMPLES)
        if steps:
            self._rows.append(_features(np.pad(self._rest, (0, steps * STEP_SAMPLES + PITCH_FRAME - len(self._rest)))))
        if not self._rows:
            none = np.zeros(0, np.float32)
            return VoiceSteps(none.reshape(0, COEFFICIENTS), none.reshape(0, COEFFICIENTS), none, none)
        return VoiceSteps(*(np.concatenate(column) for column in zip(*self._rows, strict=True)))


def _features(samples: np.ndarray) -> tuple[np.ndarray, ...]:
    steps = (len(samples) - PITCH_FRAME) // STEP_SAMPLES
    emphasized = np.append(samples[:1], samples[1:] - EMPHASIS * samples[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(emphasized, FRAME)[::HOP][: steps * FRAMES_PER_STEP]
    power = np.abs(np.fft.rfft(frames * _HAMMING, FFT)).astype(np.float32) ** 2
    bands = np.log(power @ _MEL + 1e-7)
    cepstrum = (bands @ _DCT).reshape(steps, FRAMES_PER_STEP, COEFFICIENTS)
    # Loud frames carry the voice; pauses and breath inside a step would only blur it.
    weight = np.exp(0.5 * bands.mean(axis=1)).reshape(steps, FRAMES_PER_STEP, 1)
    weight /= weight.sum(axis=1, keepdims=True)
    loudness = np.log(power.mean(axis=1) + 1e-10).reshape(steps, FRAMES_PER_STEP).max(axis=1)
    shape, spread = (cepstrum * weight).sum(axis=1), (cepstrum**2 * weight).sum(axis=1)
    return tuple(part.astype(np.float32) for part in (shape, spread, loudness, _pitch(samples, steps)))


def _pitch(samples: np.ndarray, steps: int) -> np.ndarray:
    """Log2 of the fundamental of the middle of each step by normalized autocorrelation, 0 where unvoiced: (steps,)."""
    begin = (STEP_SAMPLES - PITCH_FRAME) // 2
    frames = np.lib.stride_tricks.sliding_window_view(samples[begin:], PITCH_FRAME)[::STEP_SAMPLES][:steps]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * _HANN
    spectrum = np.abs(np.fft.rfft(frames, 2 * PITCH_FRAME)) ** 2
    correlation = np.fft.irfft(spectrum)[:, :PITCH_FRAME] / _HANN_CORRELATION
    first, last = int(RATE / HIGHEST_PITCH), int(RATE / LOWEST_PITCH)
    normal = correlation[:, first:last] / np.maximum(correlation[:, :1], 1e-6)
    # The shortest period that is nearly as good as the best one: the best is often a multiple of it.
    near = normal >= 0.9 * normal.max(axis=1, keepdims=True)
    best = np.argmax(near, axis=1)
    voiced = normal.max(axis=1) >= VOICED
    return np.where(voiced, np.log2(RATE / (best + first)), 0.0)


def _mel_filters() -> np.ndarray:
    """Triangular filters, evenly spaced on the mel scale: float32 (257, bands)."""
    mel = np.linspace(2595 * np.log10(1 + LOW_HZ / 700), 2595 * np.log10(1 + HIGH_HZ / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(FFT, 1 / RATE)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _cosines() -> np.ndarray:
    """Orthonormal DCT-II without its first row: float32 (bands, coefficients)."""
    band = np.arange(BANDS)[:, None] + 0.5
    return (np.cos(np.pi / BANDS * band * np.arange(1, COEFFICIENTS + 1)) * np.sqrt(2 / BANDS)).astype(np.float32)


_HAMMING = np.hamming(FRAME).astype(np.float32)
_HANN = np.hanning(PITCH_FRAME).astype(np.float32)
_HANN_CORRELATION = np.maximum(np.fft.irfft(np.abs(np.fft.rfft(_HANN, 2 * PITCH_FRAME)) ** 2)[:PITCH_FRAME], 1e-3)
_HANN_CORRELATION /= _HANN_CORRELATION[0]
_MEL, _DCT = _mel_filters(), _cosines()
