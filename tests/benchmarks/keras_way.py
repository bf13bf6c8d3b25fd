"""Keras: `fit` with its TensorBoard callback, which writes no images. oneDNN is on, as in ours."""

from legacy_graph import tf_setup
from legacy_graph.config import Config
from legacy_graph.data import mnist

TESTED = 1000


def fit(settings):
    """Epochs of a given number of steps, each with histograms and a test at its end."""
    tf_setup.import_tensorflow()
    import keras

    data = mnist.load(settings.data_dir)
    images, labels = _arrays(data.train)
    test = _arrays(mnist.Digits(data.test.images[:TESTED], data.test.labels[:TESTED]))
    model = _network(keras)
    callback = keras.callbacks.TensorBoard(
        settings.folder, histogram_freq=1, write_graph=False, update_freq=Config().summary_every
    )
    epoch = 0

    def advance(steps):
        nonlocal epoch
        model.fit(
            images[: steps * 50], labels[: steps * 50], 50, epoch + 1, initial_epoch=epoch, verbose=0,
            callbacks=[callback], validation_data=test, validation_batch_size=500,
        )  # fmt: skip
        epoch += 1

    advance(5)
    return advance


def _arrays(digits):
    return mnist.scale_pixels(digits.images).reshape(-1, 28, 28, 1), mnist.one_hot(digits.labels)


def _network(keras):
    layers = keras.layers

    def options(activation):
        return {
            "activation": activation,
            "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1),
            "bias_initializer": keras.initializers.Constant(0.1),
        }

    model = keras.Sequential(
        [
            keras.Input([28, 28, 1]),
            layers.Conv2D(32, 5, padding="same", **options("relu")),
            layers.MaxPool2D(padding="same"),
            layers.Conv2D(64, 5, padding="same", **options("relu")),
            layers.MaxPool2D(padding="same"),
            layers.Flatten(),
            layers.Dense(1024, **options("relu")),
            layers.Dense(10, **options(None)),
        ]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
    model.compile(keras.optimizers.Adam(1e-4), loss, metrics=["accuracy"])
    return model
