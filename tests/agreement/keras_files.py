"""python -m tests.agreement.keras_files write FOLDER, or: read FOLDER OUT.npz

`write` saves small Keras models by the Keras of this TensorFlow, and their predictions as predictions.npz. `read` loads
their files as the graphs of someone else and saves their outputs, or the text of the error.
"""

import os
import sys

import numpy as np

from legacy_graph.errors import UserError
from tests.support import keras_models

IMAGES = np.random.RandomState(1).uniform(0, 1, [3, *keras_models.SHAPE]).astype("f")


def _output(path):
    try:
        return keras_models.run_file(path, IMAGES)
    except UserError as error:
        return np.array(str(error))


def main(command, folder, out=None):
    if command == "write":
        models = keras_models.MODELS
        found = {name: keras_models.save(models[name], os.path.join(folder, name), IMAGES) for name in models}
        np.savez(os.path.join(folder, "predictions.npz"), **found)
        return
    names = [name for name in sorted(os.listdir(folder)) if name.endswith((".h5", ".keras"))]
    np.savez(out, **{name: _output(os.path.join(folder, name)) for name in names})


if __name__ == "__main__":
    main(*sys.argv[1:])
