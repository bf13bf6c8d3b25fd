"""声音: the loss as a tone, for the AUDIO dashboard. Does not import TensorFlow.

The article names this dashboard without using it. The pitch follows the loss: a quarter of the loss is an octave lower.
"""

from typing import Sequence

import numpy as np

RATE = 8000  # frames a second
SECONDS = 3.0
HIGH, LOW = 1760.0, 110.0  # hertz: the pitch of the largest loss; the lowest pitch
NOTES = 48  # at most; the losses of several steps are averaged into one note, so that noise is not audible
LOUDNESS = 0.5  # amplitude, 1 is full scale
FADE = 0.02  # seconds, at each end


def loss_to_tone(losses: Sequence[float]) -> np.ndarray:
    """The losses so far as one continuous tone of `SECONDS`.

    Args:
        losses: at least one, none negative, from the first step on.

    Returns:
        float32 [1, frames, 1] in [-1, 1], `RATE` frames a second; continuous, so it does not click.
    """
    parts = np.array_split(np.asarray(losses, float), min(len(losses), NOTES))
    notes = np.array([part.mean() for part in parts])
    pitch = np.maximum(LOW, HIGH * np.sqrt(notes / max(notes.max(), np.finfo(float).tiny)))
    time = np.arange(int(RATE * SECONDS)) / RATE
    hertz = np.interp(time, np.linspace(0, SECONDS, len(pitch)), pitch)
    tone = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)  # the sum keeps the phase continuous
    fade = np.minimum(1, np.minimum(time, time[::-1]) / FADE)
    return (LOUDNESS * fade * tone).astype(np.float32)[None, :, None]
