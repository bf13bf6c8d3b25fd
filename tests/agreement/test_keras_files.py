"""Keras files that the Keras of one TensorFlow saved, read by each TensorFlow: bash run.sh agreement"""

import os

import numpy as np
import pytest

from tests.support.both_tensorflows import MAJORS, drive

pytestmark = pytest.mark.agreement
MODELS = {"1": 10, "2": 11}  # written by each TensorFlow


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """{TensorFlow that saved: (predictions, {TensorFlow that read: {file: output, or the text of the error}})}."""
    found = {}
    for writer in MAJORS:
        folder = str(tmp_path_factory.mktemp(f"keras of {writer}"))
        drive(writer, "tests.agreement.keras_files", "write", folder)
        read = {}
        for reader in MAJORS:
            out = os.path.join(folder, f"read by {reader}.npz")
            drive(reader, "tests.agreement.keras_files", "read", folder, out)
            read[reader] = dict(np.load(out, allow_pickle=False))
        found[writer] = dict(np.load(os.path.join(folder, "predictions.npz"))), read
    return found


@pytest.mark.parametrize("writer, reader", [("1", "1"), ("1", "2"), ("2", "2")])
def test_the_graph_of_a_file_computes_the_prediction(outputs, writer, reader):
    predictions, read = outputs[writer]
    count = MODELS[writer]
    assert len(predictions) == count and len(read[reader]) == count * int(writer)  # Keras 3 saves .h5 and .keras
    for name, output in read[reader].items():
        expected = predictions[os.path.splitext(name)[0]]
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max(), err_msg=name)


def test_keras_2_refuses_files_of_keras_3(outputs):
    """By name, also those whose layers it knows: Keras 3 writes other settings under the same names."""
    for name, output in outputs["2"][1]["1"].items():
        assert output.dtype.kind == "U", name
        assert "Keras" in str(output), name
