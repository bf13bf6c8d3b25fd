"""Small results in the form that `features` writes."""

import numpy as np


def good():
    """Two maps with two spots each, in four images of 6 x 5 pixels; the second map has one spot."""
    shape = (2, 2, 6, 5)
    return {
        "maps": np.array([3, 0]), "wins": np.array([0.5, 0.0]), "images": np.array([[2, 0], [2, -1]]),
        "places": np.array([[[0, 1], [2, 1]], [[1, 1], [-1, -1]]]), "activations": np.ones((2, 2), np.float32),
        "projections": np.ones(shape, np.float32), "control": np.zeros(shape, np.float32),
        "receptive_field": np.array([[3, 2, -1], [3, 2, -1]]), "method": np.array("guided"),
        "channels": np.array(4), "step": np.array(7), "bounded": np.array(True),
        "inputs": np.zeros((2, 6, 5), np.uint8), "input_numbers": np.array([0, 2]),
        "answers": np.full((2, 3), 0.5, np.float32), "class_names": np.array(["a", "b", "c"]),
        "labels": np.array([0, 1, 2, 1], np.uint8), "files": np.array([["a.png", "b.png"], ["c.png", ""]]),
    }  # fmt: skip
