"""The layers command, against parameter counts by hand."""

import tensorflow.compat.v1 as tf

from legacy_graph.__main__ import main
from tests.support.graph_files import CONSTRUCTS, constant, write_frozen

# A weight for each kernel element or pair of units, and a bias for each output channel.
PARAMETERS = [5 * 5 * 1 * 32 + 32, 5 * 5 * 32 * 64 + 64, 7 * 7 * 64 * 1024 + 1024, 1024 * 10 + 10]


def test_table_of_the_articles_network(capsys):
    assert main(["layers"]) == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        "layer operation output receptive field stride parameters",
        "input pixels in [0, 1] 28 x 28 x 1",
        f"conv1 convolution 5 x 5, stride 1, SAME; ReLU 28 x 28 x 32 5 x 5 pixels 1 {PARAMETERS[0]:,}",
        "max pool 2 x 2, SAME 14 x 14 x 32 6 x 6 pixels 2",
        f"conv2 convolution 5 x 5, stride 1, SAME; ReLU 14 x 14 x 64 14 x 14 pixels 2 {PARAMETERS[1]:,}",
        "max pool 2 x 2, SAME 7 x 7 x 64 16 x 16 pixels 4",
        f"fc1 fully connected; ReLU; dropout 1024 complete image {PARAMETERS[2]:,}",
        f"fc2 fully connected; softmax 10 complete image {PARAMETERS[3]:,}",
        f"all {sum(PARAMETERS):,}",
    ]


def test_table_of_a_graph(tmp_path, capsys):
    def build(x):
        training = tf.placeholder(tf.bool, [], "is_training")
        y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, constant([5, 3, 3, 4]), [1, 2, 2, 1], "SAME"), constant([4])))
        y = tf.cond(training, lambda: y * 2, lambda: y)
        return tf.nn.conv2d(y, constant([3, 3, 4, 2]), [1, 1, 1, 1], "VALID", dilations=[1, 2, 2, 1], name="last")

    assert main(["layers", "--graph", write_frozen(tmp_path / "model.pb", build)]) == 0
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "layer operation output receptive field stride parameters",
        "input images 12 x 12 x 3",
        "Conv2D Conv2D 5 x 3, stride 2, SAME; Relu 6 x 6 x 4 5 x 3 pixels 2 184",
        "last Conv2D 3 x 3, stride 1, VALID, dilation 2 2 x 2 x 2 13 x 11 pixels 2 72",
        "The placeholder is_training is set to False, as at inference.",
    ]
    assert 5 * 3 * 3 * 4 + 4 == 184
    assert 3 * 3 * 4 * 2 == 72


def test_table_of_a_graph_with_an_open_size(tmp_path, capsys):
    path = write_frozen(tmp_path / "model.pb", CONSTRUCTS["strided"], shape=(None, None, None, 3))
    assert main(["layers", "--graph", path]) == 0
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "layer operation output receptive field stride parameters",
        "input images open x open x 3",
        "first Conv2D 3 x 3, stride 2, SAME; Relu open x open x 4 3 x 3 pixels 2 112",
        "conv Conv2D 3 x 3, stride 2, SAME; Relu open x open x 3 7 x 7 pixels 4 111",
        "The receptive fields are those for images of 512 x 512 pixels.",
    ]
