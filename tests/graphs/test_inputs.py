"""Where the images enter a graph with an input pipeline or preprocessing."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.load import load_model
from tests.support.graph_files import CONSTRUCTS, constant, graph_of, images, run, write_frozen

BATCH = images(3, 12, 12, 3)
SKIPPED = ". These operations between them are skipped: "


def loaded(path, feed=BATCH, **options):
    """(model, value of its last layer)."""
    model = load_model(str(path), **options)
    return model, run(model.graph_def, model.layers[-1].start, {model.input: feed})


def expected(feed=BATCH):
    return run(graph_of(CONSTRUCTS["pooled"]), "pool", {"images": feed})


def write(path, build):
    """The frozen graph of the construct "pooled" over the images that `build` gives."""
    with tf.Graph().as_default() as graph:
        CONSTRUCTS["pooled"](build())
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_a_loop_over_the_batch_is_left_out(version, tmp_path):
    """As in object detection: each image is resized in a loop. The images enter after it."""

    def build():
        pixels = tf.cast(tf.placeholder(tf.uint8, [None, None, None, 3], "image_tensor"), tf.float32)
        return tf.map_fn(lambda one: tf.image.resize_bilinear(one[None], [12, 12])[0], pixels) * 1

    switch = tf.enable_control_flow_v2 if version == 2 else tf.disable_control_flow_v2
    before = tf.control_flow_v2_enabled()
    switch()
    try:
        path = write(tmp_path / "model.pb", build)
    finally:
        (tf.enable_control_flow_v2 if before else tf.disable_control_flow_v2)()
    model, values = loaded(path)
    assert model.input_shape == (12, 12, 3)
    (note,) = model.notes
    assert note.startswith(f"The images enter at {model.input}, after image_tensor{SKIPPED}")
    np.testing.assert_array_equal(values, expected())


@pytest.mark.parametrize("axes", [[0], [-4], []])
def test_preprocessing_of_one_image_is_left_out(axes, tmp_path):
    """As in DeepLab: the batch axis is removed, then added again. The images enter after the resize that follows."""

    def build():
        one = tf.squeeze(tf.cast(tf.placeholder(tf.uint8, [1, 20, 16, 3], "ImageTensor"), tf.float32), axes)
        return tf.image.resize_bilinear(tf.expand_dims(one + 1, 0, name="again"), [12, 12], name="resized")

    model, values = loaded(write(tmp_path / "model.pb", build))
    assert (model.input, model.input_shape) == ("resized", (12, 12, 3))
    (note,) = model.notes
    assert note.startswith(f"The images enter at resized, after ImageTensor{SKIPPED}")
    assert note.endswith("They map the pixel value 0 to 1, and 255 to 256.")
    np.testing.assert_array_equal(values, expected())
    assert load_model(str(tmp_path / "model.pb"), input="again").input == "again"  # the user's choice


def test_a_decoded_picture_enters_after_the_resize(tmp_path):
    """As in the Inception v3 of 2015, whose arithmetic after the resize remains."""

    def build():
        pixels = tf.image.decode_jpeg(tf.constant(b"", name="contents"), channels=3, name="DecodeJpeg")
        pixels = tf.image.resize_bilinear(tf.cast(pixels, tf.float32)[None], [12, 12], name="resized")
        return (pixels - 128) * 0.0078125

    model, values = loaded(write(tmp_path / "model.pb", build), 255 * BATCH)
    assert (model.input, model.input_shape) == ("resized", (12, 12, 3))
    np.testing.assert_array_equal(values, expected((255 * BATCH - np.float32(128)) * np.float32(0.0078125)))


def from_queue():
    queue = tf.FIFOQueue(9, [tf.int32, tf.float32], [(), (12, 12, 3)])
    return queue.dequeue_up_to(4, name="batch")[1]


def from_prefetched_batches():
    return tf.FIFOQueue(9, [tf.float32], [(32, 12, 12, 3)], name="queue").dequeue(name="batch")


def from_queue_without_shapes():
    pixels = tf.FIFOQueue(9, [tf.int32, tf.float32]).dequeue(name="batch")[1]
    return tf.reshape(pixels, [-1, 12, 12, 3], name="shaped")


def from_iterator():
    pairs = tf.data.Dataset.from_tensors((np.int32(1), np.zeros((12, 12, 3), np.float32))).batch(4)
    return tf.data.make_one_shot_iterator(pairs).get_next(name="batch")[1]


SOURCES = {
    from_queue: "batch/output_1", from_prefetched_batches: "batch", from_queue_without_shapes: "shaped",
    from_iterator: "batch/output_1",
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=[one.__name__ for one in SOURCES])
def test_the_input_of_a_training_graph(source, tmp_path):
    model, values = loaded(write(tmp_path / "model.pb", source))
    assert (model.input, model.input_shape) == (SOURCES[source], (12, 12, 3))
    np.testing.assert_array_equal(values, expected())


def test_an_optional_batch_is_read_after_the_iterator(tmp_path):
    """The iterator gives a variant, which is no batch."""

    def build():
        pairs = tf.data.Dataset.from_tensors(np.zeros([4, 12, 12, 3], np.float32))
        types = {"output_types": [tf.float32], "output_shapes": [[4, 12, 12, 3]]}
        handle = tf.data.make_one_shot_iterator(pairs)._iterator_resource
        optional = tf.raw_ops.IteratorGetNextAsOptional(iterator=handle, **types)
        return tf.raw_ops.OptionalGetValue(optional=optional, **types, name="value")[0]

    model, values = loaded(write(tmp_path / "model.pb", build))
    assert (model.input, model.input_shape) == ("value", (12, 12, 3))
    np.testing.assert_array_equal(values, expected())


def nchw_input(x):
    """A graph in NCHW order whose convolutions run as NHWC, as converters from other frameworks write it."""
    x = tf.pad(x, [[0, 0], [0, 0], [1, 1], [2, 2]])
    linear = tf.nn.conv2d(tf.transpose(x, [0, 2, 3, 1]), constant([3, 5, 3, 4]), [1] * 4, "VALID", name="first")
    y = tf.nn.relu(tf.transpose(linear, [0, 3, 1, 2]) + constant([1, 4, 1, 1]))
    y = tf.nn.conv2d(tf.transpose(y, [0, 2, 3, 1]), constant([1, 1, 4, 2]), [1, 2, 2, 1], "SAME", name="second")
    return tf.transpose(y, [0, 3, 1, 2])


@pytest.mark.parametrize("batch", [None, 1])
def test_an_nchw_input_takes_nhwc_images(batch, tmp_path):
    path = write_frozen(tmp_path / "model.pb", nchw_input, shape=(batch, 3, 12, 10))
    feed = images(2, 12, 10, 3)
    model, values = loaded(path, feed)
    original = graph_of(nchw_input, shape=(None, 3, 12, 10))
    np.testing.assert_array_equal(values, run(original, "second", {"images": feed.transpose(0, 3, 1, 2)}))
    assert model.input_shape == (12, 10, 3)
    assert model.notes == ["The NCHW input of the graph takes NHWC images."]
    assert [tuple(field.size for field in layer.fields) for layer in model.layers] == [(3, 5), (3, 5)]


def test_what_0_and_255_become_at_the_images(tmp_path):
    """The mean of each channel is subtracted from one image: 0 becomes -1 to -1.5, 255 becomes 0.5 to 1."""

    def build():
        one = tf.squeeze(tf.cast(tf.placeholder(tf.uint8, [1, 20, 16, 3], "bytes"), tf.float32), [0])
        scaled = tf.subtract(one / 127.5, [1.0, 1.25, 1.5])
        return tf.image.resize_bilinear(tf.expand_dims(scaled, 0), [12, 12], name="resized")

    (note,) = load_model(str(write(tmp_path / "model.pb", build))).notes
    assert note.endswith("They map the pixel value 0 to -1.5 ... -1, and 255 to 0.5 ... 1.")


def towers():
    """A batch that is split for two towers."""
    with tf.Graph().as_default() as graph:
        pixels = tf.placeholder(tf.float32, [None, 12, 12, 3], "images")
        for number, part in enumerate(tf.split(pixels, 2, 0, name="split")):
            linear = tf.nn.conv2d(part, constant([3, 3, 3, 4], number), 1, "SAME", name=f"tower_{number}/c1")
            tf.nn.relu(linear, name=f"tower_{number}/relu")
    return graph.as_graph_def()


@pytest.mark.parametrize("named, number", [("split", 0), ("split:0", 0), ("split:1", 1)])
def test_an_output_of_a_split_batch_can_be_the_input(named, number, tmp_path):
    path = tmp_path / "towers.pb"
    path.write_bytes(towers().SerializeToString())
    model = load_model(str(path), input=named)
    (layer,) = model.layers
    assert layer.start == f"tower_{number}/relu"
    assert model.notes[0].startswith("Layers behind other outputs of split are left out: 1;")
    whole = np.concatenate([BATCH, BATCH])
    wanted = run(towers(), layer.start, {"images": whole})
    np.testing.assert_array_equal(run(model.graph_def, layer.start, {model.input: BATCH}), wanted)


def test_an_output_that_nothing_reads_is_refused(tmp_path):
    path = tmp_path / "towers.pb"
    path.write_bytes(towers().SerializeToString())
    with pytest.raises(UserError, match="--input: .* that other nodes read: split, split:1, found 'split:2'"):
        load_model(str(path), input="split:2")


@pytest.mark.parametrize("version", [1, 2])
def test_a_loop_without_a_convolution_has_no_convolutions(version, tmp_path):
    """As in a recurrent tagger of words. The loop itself is not what is wrong."""
    switch = tf.enable_control_flow_v2 if version == 2 else tf.disable_control_flow_v2
    before = tf.control_flow_v2_enabled()
    switch()
    try:
        with tf.Graph().as_default() as graph:
            words = tf.placeholder(tf.float32, [None, 8], "words")
            tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.matmul(h, tf.ones([8, 8]))), [0, words])
    finally:
        (tf.enable_control_flow_v2 if before else tf.disable_control_flow_v2)()
    (tmp_path / "model.pb").write_bytes(graph.as_graph_def().SerializeToString())
    with pytest.raises(UserError, match="expected a graph with 2-D convolutions, found none"):
        load_model(str(tmp_path / "model.pb"))
