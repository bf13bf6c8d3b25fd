"""python -m tests.agreement.saved_files KIND write FOLDER, or: KIND read FOLDER OUT.npz

KIND is `formats` for the article's network in each format, or `keras` for small Keras models. `write` saves them; for
Keras also the predictions, as predictions.npz. `read` loads the files as the graphs of someone else. It saves the
projections by `deconvolve` and from each format as "FORMAT LAYER METHOD", or the output of each Keras file, or the text
of the error.
"""

import os
import sys

import numpy as np

from legacy_graph.errors import UserError
from tests.support import article_formats, keras_models

IMAGES = np.random.RandomState(1).uniform(0, 1, [3, *keras_models.SHAPE]).astype("f")


def write(kind, folder):
    if kind == "formats":
        article_formats.write(folder)
        return
    models = keras_models.MODELS
    found = {name: keras_models.save(models[name], os.path.join(folder, name), IMAGES) for name in models}
    np.savez(os.path.join(folder, "predictions.npz"), **found)


def read(kind, folder):
    """{name: array}."""
    if kind == "formats":
        ways = {name: article_formats.loaded(folder, name) for name in article_formats.FORMATS}
        ways["deconvolve"] = article_formats.deconvolved(folder)
        return {f"{name} {key}": value for name, found in ways.items() for key, value in found.items()}
    names = [name for name in os.listdir(folder) if name.endswith((".h5", ".keras"))]
    return {name: _output(os.path.join(folder, name)) for name in names}


def _output(path):
    try:
        return keras_models.run_file(path, IMAGES)
    except UserError as error:
        return np.array(str(error))


if __name__ == "__main__":
    kind, command, folder, *out = sys.argv[1:]
    if command == "write":
        write(kind, folder)
    else:
        np.savez(*out, **read(kind, folder))
