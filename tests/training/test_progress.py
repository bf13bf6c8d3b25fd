"""The speed in the plain lines of progress, from a clock that never goes back."""

import time

import pytest

from legacy_graph.training import progress


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_a_clock_set_back_gives_no_negative_speed(capsys, monkeypatch, seconds):
    """time.time goes back by an hour at each look, as when the clock is set; time.monotonic stands, or goes on."""
    clock = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: next(clock))
    begun = time.monotonic()
    moments = iter([begun] + [begun + seconds] * 100)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(moments, begun + seconds))
    steps = [(step, 1.0, 0.5) for step in range(21)]
    assert list(progress.show_progress(steps, 0, 20)) == list(range(21))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("step ")]
    assert len(lines) == 20
    for step, line in enumerate(lines, 1):
        words = line.split()
        speed, left = float(words[words.index("steps/s") - 1]), float(words[words.index("left") - 2])
        assert speed > 0
        assert left >= 0
        if seconds:
            assert speed == step / seconds
