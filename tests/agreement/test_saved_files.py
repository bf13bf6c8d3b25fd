"""Models that one TensorFlow saved, read by the other: bash run.sh agreement"""

import os

import numpy as np
import pytest

from legacy_graph.config import METHODS
from tests.support import agreement_table
from tests.support.article_formats import FORMATS
from tests.support.both_tensorflows import MAJORS, drive
from tests.support.published import read_npz

pytestmark = pytest.mark.agreement
KEYS = [f"conv{number} {method}" for number in (1, 2) for method in METHODS]
MODELS = {"1": 10, "2": 11}  # of Keras, written by each TensorFlow


def exchanged(kind, factory):
    """({TensorFlow that saved: folder}, {(TensorFlow that saved, TensorFlow that read): {name: array}})."""
    folders, found = {}, {}
    for writer in MAJORS:
        folders[writer] = folder = str(factory.mktemp(f"{kind} of {writer}"))
        drive(writer, "tests.agreement.saved_files", kind, "write", folder)
        for reader in MAJORS:
            out = os.path.join(folder, f"read by {reader}.npz")
            drive(reader, "tests.agreement.saved_files", kind, "read", folder, out)
            found[writer, reader] = read_npz(out)
    return folders, found


@pytest.fixture(scope="module")
def projections(tmp_path_factory):
    return exchanged("formats", tmp_path_factory)[1]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return exchanged("keras", tmp_path_factory)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("reader", MAJORS)
@pytest.mark.parametrize("writer", MAJORS)
def test_each_format_equals_deconvolve(writer, reader, name, projections, record):
    """To the last bit, with the weights of the checkpoint that the same TensorFlow saved."""
    found = projections[writer, reader]
    for key in KEYS:
        assert found[f"{name} {key}"].any()
        np.testing.assert_array_equal(found[f"{name} {key}"], found[f"deconvolve {key}"], key)
        record(agreement_table.FORMATS, True, np.abs(found[f"{name} {key}"] - found[f"deconvolve {key}"]).max())


@pytest.mark.parametrize("writer", MAJORS)
def test_both_read_the_same(writer, projections):
    for key in KEYS:
        one, two = [projections[writer, reader][f"deconvolve {key}"] for reader in MAJORS]
        assert np.abs(one - two).max() <= 1e-5 * np.abs(one).max()


@pytest.mark.parametrize("writer, reader", [("1", "1"), ("1", "2"), ("2", "2")])
def test_the_graph_of_a_keras_file_computes_the_prediction(outputs, writer, reader):
    predictions, found = read_npz(outputs[0][writer], "predictions.npz"), outputs[1][writer, reader]
    count = MODELS[writer]
    assert len(predictions) == count and len(found) == count * int(writer)  # Keras 3 saves .h5 and .keras
    for name, output in found.items():
        expected = predictions[os.path.splitext(name)[0]]
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max(), err_msg=name)


def test_keras_2_refuses_files_of_keras_3(outputs):
    """By name, also those whose layers it knows: Keras 3 writes other settings under the same names."""
    for name, output in outputs[1]["2", "1"].items():
        assert output.dtype.kind == "U", name
        assert "Keras" in str(output), name
