"""Small Keras models, built by the Keras of the installed TensorFlow, and the outputs of their layers."""

import contextlib
import json

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.graphs.read import read_source
from legacy_graph.graphs.read.variables import fill_variables
from tests.support import graph_files

SHAPE = (16, 16, 3)
LAYERS = tf.keras.layers


def _images(name="images"):
    return tf.keras.Input(SHAPE, name=name)


def plain():
    images = _images()
    value = LAYERS.Conv2D(4, 3, activation="relu", name="c1")(images)
    value = LAYERS.Conv2D(5, 3, padding="same", name="c2")(LAYERS.MaxPooling2D()(value))
    return tf.keras.Model(images, LAYERS.Dense(3, activation="softmax", name="classes")(LAYERS.Flatten()(value)))


def residual():
    images = _images()
    before = LAYERS.Conv2D(4, 3, padding="same", activation="relu", name="c1")(images)
    value = LAYERS.add([LAYERS.Conv2D(4, 3, padding="same", name="c2")(before), before])
    return tf.keras.Model(images, LAYERS.GlobalAveragePooling2D()(LAYERS.Activation("relu")(value)))


def depthwise():
    images = _images()
    value = LAYERS.SeparableConv2D(6, 3, name="c2")(LAYERS.DepthwiseConv2D(3, depth_multiplier=2, name="c1")(images))
    return tf.keras.Model(images, LAYERS.ReLU(6.0)(value))


def batch_norm():
    images = _images()
    value = LAYERS.BatchNormalization()(LAYERS.Conv2D(4, 3, use_bias=False, name="c1")(images))
    value = LAYERS.Dropout(0.3)(LAYERS.Activation("relu")(value))
    return tf.keras.Model(images, LAYERS.Conv2D(4, 3, name="c2")(value))


def leaky():
    images = _images()
    value = LAYERS.LeakyReLU()(LAYERS.Conv2D(4, 3, name="c1")(images))
    return tf.keras.Model(images, LAYERS.PReLU()(LAYERS.Conv2D(4, 3, strides=2, name="c2")(value)))


def upsampling():
    images = _images()
    value = LAYERS.UpSampling2D()(LAYERS.Conv2D(4, 3, padding="same", name="c1")(images))
    return tf.keras.Model(images, LAYERS.Conv2DTranspose(4, 3, strides=2, padding="same", name="c2")(value))


def inception():
    images = _images()
    first = LAYERS.Conv2D(4, 1, name="c1")(images)
    second = LAYERS.Conv2D(4, 3, padding="same", activation="relu", name="c2")(images)
    return tf.keras.Model(images, LAYERS.Conv2D(4, 3, name="c3")(LAYERS.concatenate([first, second])))


def sequential():
    return tf.keras.Sequential([
        LAYERS.Conv2D(4, 3, activation="elu", name="c1", input_shape=SHAPE), LAYERS.ZeroPadding2D(),
        LAYERS.AveragePooling2D(2), LAYERS.Conv2D(3, 3, dilation_rate=2, name="c2"), LAYERS.Flatten(), LAYERS.Dense(4),
    ])  # fmt: skip


def nested_sequential():
    inner = tf.keras.Sequential(
        [LAYERS.Conv2D(4, 3, activation="relu", name="c1", input_shape=SHAPE), LAYERS.Conv2D(4, 3, name="c2")],
        name="inner",
    )
    images = _images()
    return tf.keras.Model(images, LAYERS.Conv2D(2, 3, name="c3")(inner(images)))


def transfer():
    below = _images()
    value = LAYERS.Conv2D(4, 3, name="c2")(LAYERS.Conv2D(4, 3, activation="relu", name="c1")(below))
    base, photos = tf.keras.Model(below, value, name="base"), _images("photos")
    return tf.keras.Model(photos, LAYERS.Dense(2)(LAYERS.GlobalAveragePooling2D()(base(photos))))


def normalized():
    """Keras 3 keeps the mean and the variance of this layer as eager tensors."""
    images = _images()
    value = LAYERS.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(images)
    return tf.keras.Model(images, LAYERS.Conv2D(4, 3, activation="relu", name="c1")(value))


MODELS = {
    build.__name__: build
    for build in (
        plain, residual, depthwise, batch_norm, leaky, upsampling, inception, sequential, nested_sequential, transfer,
    ) + ((normalized,) if hasattr(LAYERS, "Normalization") else ())  # TensorFlow 1 does not have this layer
}  # fmt: skip


def default_names():
    """Keras numbers the layers: conv2d, conv2d_1 and so on. The second one is called twice. The channels tell them."""
    images = _images()
    value = LAYERS.Conv2D(7, 3, padding="same")(LAYERS.Conv2D(4, 3)(images))
    shared = LAYERS.Conv2D(5, 3, padding="same")
    return tf.keras.Model(images, LAYERS.Conv2D(6, 1)(LAYERS.add([shared(value), shared(LAYERS.ReLU()(value))])))


def integers():
    """uint8 images, if this Keras has a layer that takes them."""
    scale = LAYERS.Rescaling(1 / 255) if hasattr(LAYERS, "Rescaling") else LAYERS.Activation("linear")
    images = tf.keras.Input(SHAPE, dtype="uint8" if hasattr(LAYERS, "Rescaling") else "float32")
    return tf.keras.Model(images, LAYERS.Conv2D(3, 3, name="c1")(scale(images)))


def in_groups():
    layers = [
        LAYERS.DepthwiseConv2D(3, name="depthwise"), LAYERS.SpatialDropout2D(0.2, name="dropped"),
        LAYERS.Conv2DTranspose(4, 3, name="transposed"), LAYERS.SeparableConv2D(5, 3, name="separable"),
        LAYERS.Reshape((14 * 14, 5)), LAYERS.LSTM(2, name="recurrent"),
    ]  # fmt: skip
    return tf.keras.Sequential([LAYERS.InputLayer(SHAPE), *layers])


def old_config(model):
    """The model_config of `in_groups` with settings that other versions of Keras 2 write."""
    more = {"depthwise": {"groups": 1}, "transposed": {"groups": 1}, "separable": {"groups": 1}}
    more.update(dropped={"noise_shape": None}, recurrent={"time_major": False})
    layers = []
    for layer in model.layers:
        settings = layer.get_config()
        settings.pop("batch_shape", None)
        settings["dtype"] = "float32"
        settings.update(more.get(layer.name, {}))
        layers.append({"class_name": type(layer).__name__, "config": settings})
    layers[0]["config"]["batch_input_shape"] = [None, *SHAPE]
    return json.dumps({"class_name": "Sequential", "config": layers}, default=str)


def called_twice(is_built):
    """A nested model that is called twice, and whose layers know their input shape before that, or do not."""
    known = {"input_shape": SHAPE} if is_built else {}
    inner = tf.keras.Sequential([LAYERS.Conv2D(3, 3, padding="same", name="c1", **known)], name="inner")
    images = _images()
    return tf.keras.Model(images, LAYERS.Conv2D(2, 3, name="c2")(inner(inner(images))))


def on_top():
    """Layers on top of a model, as for transfer learning."""
    images = _images()
    base = tf.keras.Model(images, LAYERS.Conv2D(3, 3, padding="same", name="c1")(images), name="base")
    return tf.keras.Sequential([base, LAYERS.Conv2D(2, 3, name="c2"), LAYERS.Flatten(name="row")])


def _layer(kind, name, *calls, **settings):
    inbound = [[[source, number, 0, {}]] for source, number in calls]
    return {"class_name": kind, "name": name, "config": {"name": name, **settings}, "inbound_nodes": inbound}


def _model(*layers):
    ends = [[layers[end]["name"], 0, 0] for end in (0, -1)]
    return {"name": "model", "layers": list(layers), "input_layers": ends[:1], "output_layers": ends[1:]}


_SIDES = [None, *SHAPE]
_INPUT = _layer("InputLayer", "images", batch_input_shape=_SIDES)
_LAST = {"filters": 2, "kernel_size": [3, 3]}


def called_twice_config(is_built):
    """The model_config of `called_twice` as Keras 2 writes it: it counts the building of the nested model as a call."""
    known = {"batch_input_shape": _SIDES} if is_built else {}
    inner = _layer("Conv2D", "c1", filters=3, kernel_size=[3, 3], padding="same", **known)
    nested = _layer("Sequential", "inner", ("images", 0), ("inner", int(is_built)), layers=[inner])
    last = _layer("Conv2D", "c2", ("inner", is_built + 1), **_LAST)
    return json.dumps({"class_name": "Model", "config": _model(_INPUT, nested, last)})


def on_top_config():
    """The model_config of `on_top` as Keras 2 writes it: the output of the nested model is a list."""
    inner = _layer("Conv2D", "c1", ("images", 0), filters=3, kernel_size=[3, 3], padding="same")
    layers = [{"class_name": "Model", "config": {**_model(_INPUT, inner), "name": "base"}}]
    layers += [_layer("Conv2D", "c2", **_LAST), _layer("Flatten", "row")]
    return json.dumps({"class_name": "Sequential", "config": {"name": "top", "layers": layers}})


def two_inputs():
    one, other = _images("one"), _images("other")
    return tf.keras.Model([one, other], LAYERS.Conv2D(3, 3)(LAYERS.add([one, other])))


def with_lambda():
    images = _images()
    return tf.keras.Model(images, LAYERS.Lambda(lambda value: value * 2, name="twice")(LAYERS.Conv2D(4, 3)(images)))


def suffixes():
    """The suffixes of the files that this Keras writes."""
    return [".h5", ".keras"] if tf.executing_eagerly() else [".h5"]


@contextlib.contextmanager
def keras_session():
    """Where Keras builds and runs a model: a session of its own in TensorFlow 1, eager execution in TensorFlow 2."""
    if tf.executing_eagerly():
        yield
    else:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.keras.backend.set_session(session)
            yield


def save(build, path_without_suffix, images):
    """Build a model with random weights, save it in each format, and return its prediction for `images`."""
    with keras_session():
        model = build()
        random = np.random.RandomState(0)
        model.set_weights([random.uniform(0.1, 0.5, weight.shape) for weight in model.get_weights()])
        for suffix in suffixes():
            model.save(path_without_suffix + suffix)
        return np.asarray(model.predict(images, batch_size=len(images)))


def run_file(path, images):
    """The output of the last node of the graph that `read_source` makes of a file."""
    source = read_source(path)
    graph = source.graph
    (placeholder,) = [name for name in graph.order if graph.by_name[name].op == "Placeholder"]
    dependent = graph.dependents([placeholder])
    last = [name for name in graph.order if name in dependent][-1]
    graph.keep(graph.ancestors([last]))
    fill_variables(graph, source.read)
    return graph_files.run(graph.to_graph_def(), last, {placeholder: images})
