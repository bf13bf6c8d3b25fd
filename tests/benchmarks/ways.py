"""The programs that the benchmark measures in turns."""

from typing import NamedTuple

from legacy_graph.config import Config

CADENCE = 1000  # steps; a multiple of all intervals of our program
EPOCH = Config().test_every  # steps; Keras then writes histograms and tests as often as our program
BATCH = 50


class Way(NamedTuple):
    """A program, and the number of its steps in each turn."""

    name: str
    target: str  # module and function
    steps: int


WAYS = {
    "a": Way("ours, the bare training step", "ours:bare", 50),
    "b": Way("ours, the default run: all dashboards, tests, checkpoints", "ours:whole", CADENCE // 4),
    "c": Way("ours, the default run without the test curve", "ours:untested", CADENCE // 4),
    "d": Way("the 2018 way: one `merge_all` at every step", "listing:merged", 20),
    "e": Way(f"Keras `fit` with its TensorBoard callback, epochs of {EPOCH} steps", "keras_way:fit", EPOCH),
    "f": Way("PyTorch, fused Adam and a SummaryWriter", "pytorch_way:fused", 200),
    "g": Way("as f, channels_last", "pytorch_way:channels_last", 200),
    "h": Way("as g, `torch.compile`", "pytorch_way:compiled", 200),
    "p": Way("float32 matrix product", "ours:product", 8),
    "m": Way("memory", "ours:bandwidth", 40),
}
# One round. a, b and c differ by a few percent, so they alternate often: other load then affects them alike.
ROUND = "abcpmfabcedabcgpmabceh"
# The turns of these programs include bare steps in the same session, because the time of a bare step differs by some
# percent between two processes.
WITH_BARE = "bc"
