"""The layers command, against parameter counts by hand."""

from tests.support.program import legacy_graph

# A weight for each kernel element or pair of units, and a bias for each output channel.
PARAMETERS = [5 * 5 * 1 * 32 + 32, 5 * 5 * 32 * 64 + 64, 7 * 7 * 64 * 1024 + 1024, 1024 * 10 + 10]


def test_table_of_the_articles_network():
    run = legacy_graph("layers")
    assert run.returncode == 0, run.stderr
    rows = [" ".join(line.split()) for line in run.stdout.splitlines()]
    assert rows == [
        "layer operation output receptive field stride parameters",
        "input pixels in [0, 1] 28 x 28 x 1",
        f"conv1 convolution 5 x 5, stride 1, SAME; ReLU 28 x 28 x 32 5 x 5 pixels 1 {PARAMETERS[0]:,}",
        "max pool 2 x 2, SAME 14 x 14 x 32 6 x 6 pixels 2",
        f"conv2 convolution 5 x 5, stride 1, SAME; ReLU 14 x 14 x 64 14 x 14 pixels 2 {PARAMETERS[1]:,}",
        "max pool 2 x 2, SAME 7 x 7 x 64 16 x 16 pixels 4",
        f"fc1 fully connected; ReLU; dropout 1024 everything {PARAMETERS[2]:,}",
        f"fc2 fully connected; softmax 10 everything {PARAMETERS[3]:,}",
        f"all {sum(PARAMETERS):,}",
    ]
