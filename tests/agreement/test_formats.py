"""Models that one TensorFlow saved, read by the other: bash run.sh agreement"""

import numpy as np
import pytest

from legacy_graph.config import METHODS
from tests.support import agreement_table
from tests.support.article_formats import FORMATS
from tests.support.both_tensorflows import MAJORS, drive

pytestmark = pytest.mark.agreement
KEYS = [f"conv{number} {method}" for number in (1, 2) for method in METHODS]


@pytest.fixture(scope="module")
def projections(tmp_path_factory):
    """{(TensorFlow that saved, TensorFlow that read): the arrays of formats.py}."""
    found = {}
    for writer in MAJORS:
        folder = tmp_path_factory.mktemp(f"saved by {writer}")
        drive(writer, "tests.agreement.formats", "write", str(folder))
        for reader in MAJORS:
            out = str(folder / f"read by {reader}.npz")
            drive(reader, "tests.agreement.formats", "read", str(folder), out)
            found[writer, reader] = np.load(out, allow_pickle=False)
    return found


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
