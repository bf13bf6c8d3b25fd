"""声音: the training made audible, for the AUDIO dashboard. No TensorFlow.

The article names the dashboard and has no use for it; this one is ours: a tone that is high while the loss is large and
comes down as it falls. A quarter of the loss is one octave less.
"""

from typing import Sequence

import numpy as np

RATE = 8000  # frames a second
SECONDS = 3.0
HIGH, LOW = 1760.0, 110.0  # hertz: of the largest loss in the clip; what none goes below
NOTES = 48  # at most; the losses of more steps are averaged, or their jitter would be a rattle
LOUDNESS = 0.5  # of the [-1, 1] there is
FADE = 0.02  # seconds, at either end


def loss_to_tone(losses: Sequence[float]) -> np.ndarray:
    """The losses so far as one gliding tone, `SECONDS` long however many there are.

    Args:
        losses: at least one, none negative, from the first step on.

    Returns:
        float32 [1, frames, 1] in [-1, 1], `RATE` frames a second; without a jump anywhere, so it does not click.
    """
    parts = np.array_split(np.asarray(losses, float), min(len(losses), NOTES))
    notes = np.array([part.mean() for part in parts])
    pitch = np.maximum(LOW, HIGH * np.sqrt(notes / max(notes.max(), np.finfo(float).tiny)))
    time = np.arange(int(RATE * SECONDS)) / RATE
    hertz = np.interp(time, np.linspace(0, SECONDS, len(pitch)), pitch)
    tone = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)  # the phase is summed up, so it goes on where it was
    fade = np.minimum(1, np.minimum(time, time[::-1]) / FADE)
    return (LOUDNESS * fade * tone).astype(np.float32)[None, :, None]
