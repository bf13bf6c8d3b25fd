"""SavedModels with several graphs."""

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import constant, variable


def write_tagged(folder, *tags):
    """A SavedModel with a graph for each list of tags; its convolution has as many maps as its number, plus 1."""
    builder = tf.saved_model.Builder(folder)
    for number, words in enumerate(tags):
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
            x = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
            y = tf.nn.conv2d(x, constant([3, 3, 3, number + 1]), [1] * 4, "SAME", name="conv")
            variable("unused", [1])
            session.run(tf.global_variables_initializer())
            signature = tf.saved_model.signature_def_utils.predict_signature_def({"x": x}, {"y": y})
            add = builder.add_meta_graph if number else builder.add_meta_graph_and_variables
            add(*([] if number else [session]), words, {"serving_default": signature})
    builder.save()


@pytest.mark.parametrize(
    "tags, maps",
    [([["train"], []], 2), ([["train"]], 1), ([["train"], ["serve"]], 2), ([["serve", "gpu"], ["serve", "tpu"]], 1)],
)
def test_the_graph_for_inference_is_chosen(tags, maps, tmp_path):
    write_tagged(str(tmp_path / "model"), *tags)
    assert load_model(str(tmp_path / "model")).layers[0].shape == (12, 12, maps)


def test_tags_choose_the_graph(tmp_path):
    write_tagged(str(tmp_path / "model"), ["train"], ["small"], ["large", "fast"])
    with pytest.raises(UserError, match="'train', 'small', 'fast,large'.*--tags"):
        load_model(str(tmp_path / "model"))
    for tags, maps in [("train", 1), ("small", 2), ("large,fast", 3)]:
        assert load_model(str(tmp_path / "model"), tags=tags).layers[0].shape == (12, 12, maps)
