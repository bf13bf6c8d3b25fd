"""The loss made audible: pitch by counting how often the wave crosses zero, clicks by its largest step."""

import io
import os
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from legacy_graph.training import sonify
from tests.support.program import STEPS


def hertz(samples):
    """The mean pitch of a piece: two crossings of zero a period."""
    return np.count_nonzero(np.diff(np.signbit(samples))) / 2 / (len(samples) / sonify.RATE)


def pieces(losses, count):
    return np.array_split(sonify.loss_to_tone(losses)[0, :, 0], count)


def test_a_steady_loss_is_a_steady_tone():
    for losses in ([7.0], [0.3] * 5, [172.0] * 2000):
        assert [hertz(piece) for piece in pieces(losses, 4)] == pytest.approx([sonify.HIGH] * 4, rel=0.01)


def test_a_quarter_of_the_loss_is_an_octave_less():
    first, second = pieces([100.0] * 24 + [25.0] * 24, 2)
    assert hertz(first[:8000]) == pytest.approx(sonify.HIGH, rel=0.01)
    assert hertz(second[-8000:]) == pytest.approx(sonify.HIGH / 2, rel=0.01)


def test_the_pitch_follows_the_loss_down_and_up_again():
    falling = [hertz(piece) for piece in pieces(np.geomspace(300, 5, 2001), 6)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < falling[0] / 4
    rising = [hertz(piece) for piece in pieces(np.linspace(1, 50, 30), 6)]
    assert rising == sorted(rising)


def test_noise_in_the_losses_does_not_rattle():
    """Losses that jump from step to step about one mean are one tone: nearly all its energy is at one pitch."""
    energy = np.abs(np.fft.rfft(sonify.loss_to_tone([50.0, 150.0] * 1000)[0, :, 0])) ** 2
    pitches = np.arange(len(energy)) / sonify.SECONDS
    near = np.abs(pitches / sonify.HIGH - 1) < 0.03
    assert energy[near].sum() > 0.99 * energy.sum()


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=300))
def test_any_losses_give_a_clean_clip_of_the_same_length(losses):
    samples = sonify.loss_to_tone(losses)
    assert (samples.dtype, samples.shape) == (np.float32, (1, int(sonify.RATE * sonify.SECONDS), 1))
    assert np.abs(samples).max() <= 1
    # A sine of HIGH hertz climbs no faster than this; a click would. The fades add a little.
    steepest = sonify.LOUDNESS * (2 * np.pi * sonify.HIGH / sonify.RATE + 1 / (sonify.FADE * sonify.RATE))
    assert np.abs(np.diff(samples[0, :, 0])).max() <= steepest + 1e-6
    assert samples[0, 0, 0] == samples[0, -1, 0] == 0


def test_no_loss_at_all_is_the_lowest_tone():
    assert hertz(sonify.loss_to_tone([0.0, 0.0])[0, :, 0]) == pytest.approx(sonify.LOW, rel=0.02)


def test_a_run_writes_a_clip_of_its_losses_at_each_image_step(trained):
    found = EventAccumulator(os.path.join(trained.logdir, "train"), {"audio": 0, "scalars": 0}).Reload()
    assert found.Tags()["audio"] == ["loss_sound/audio"]
    clips = found.Audio("loss_sound/audio")
    assert [clip.step for clip in clips] == list(range(0, STEPS + 1, 10))
    for clip in clips:
        assert (clip.content_type, clip.sample_rate) == ("audio/wav", sonify.RATE)
        with wave.open(io.BytesIO(clip.encoded_audio_string)) as file:
            assert (file.getframerate(), file.getnchannels()) == (sonify.RATE, 1)
            assert file.getnframes() == sonify.RATE * sonify.SECONDS
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
        # Every fifth loss is among the scalars: begin and end of the clip must sound like them.
        losses = [event.value for event in found.Scalars("loss") if event.step <= clip.step]
        wanted = [max(sonify.LOW, sonify.HIGH * (loss / max(losses)) ** 0.5) for loss in (losses[0], losses[-1])]
        heard = [hertz(samples[: len(samples) // 60]), hertz(samples[-len(samples) // 60 :])]
        assert heard == pytest.approx(wanted, rel=0.35)


def test_the_picture_of_the_graph_shows_no_sound(trained):
    graph = EventAccumulator(os.path.join(trained.logdir, "train"), {"tensors": 1}).Reload().Graph()
    assert [node.name for node in graph.node if "sound" in node.name] == []
