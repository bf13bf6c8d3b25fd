"""The rows of the table of operations, each against the operation itself: tests made from the table.

All examples are one graph of one session. A row whose operation this TensorFlow does not know is tested on another one.
"""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.graphs import overflow
from legacy_graph.graphs.batch_axis import check_batch
from legacy_graph.graphs.batch_import import import_images
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.model import ConvLayer
from legacy_graph.graphs.op_table import PASSING, TABLE, refusal, row
from legacy_graph.graphs.operations import definition
from legacy_graph.graphs.passes.nhwc import to_nhwc
from legacy_graph.graphs.path import find_path
from legacy_graph.graphs.receptive_fields import receptive_fields
from tests.agreement import operation_table
from tests.support import page_tables
from tests.support.op_examples import SECOND, SIDE, example
from tests.support.readme import read

# Rows that keep the images apart. All others stand for operations that run only on constants, or never.
APART = [name for name in TABLE if row(name).moves != "mixes"]
# Without the operations that TensorFlow reads only in graphs of its first year.
KNOWN = [name for name in APART if definition(name) is not None and not definition(name).deprecation.version]
# Their gradient is not that of their values: it is defined to be.
# Or there is none: a pass replaces operations that only pass a tensor on; the images are indices of Gather.
DEFINED_GRADIENTS = {"StopGradient", "Gather", *PASSING, *(name for name in KNOWN if name.startswith("FakeQuant"))}
# Two inputs of the example depend on the images.
SEVERAL = {"Mul", "Div", "RealDiv", "Gather", "BatchMatMul", "BatchMatMulV2", "AddN", "ConcatV2", "Concat"}
# No two values of a channel are closer than 0.009, and none of a position closer than 0.0016: no maximum is near a tie.
IMAGES = np.stack([np.random.RandomState(n).permutation(SIDE**2) / 103.0 for n in range(4 * SIDE)]).astype(np.float32)
IMAGES = IMAGES.reshape(4, SIDE, SIDE, SIDE).transpose(0, 2, 3, 1) + 0.1 + 0.0016 * np.arange(SIDE, dtype=np.float32)


class Examples:
    """The examples in a graph, with their values."""

    def __init__(self):
        self.graph, self.outputs = tf.Graph(), {}
        with self.graph.as_default():
            self.pixels = tf.placeholder(tf.float32, [None, SIDE, SIDE, SIDE], "pixels")
            for name in KNOWN:
                with tf.name_scope(f"at_{name}"):
                    self.outputs[name] = tf.identity(example(name)(self.pixels), "end")
        self.session = tf.Session(graph=self.graph)

    def run(self, images):
        """{operation: value}."""
        return self.session.run(self.outputs, {self.pixels: images})


@pytest.fixture(scope="module")
def examples():
    with tf.device("/cpu:0"):
        return Examples()


@pytest.fixture(scope="module")
def analysed(examples):
    """The graph as the loader has it."""
    graph = Graph(examples.graph.as_graph_def())
    graph.input = "pixels"
    return graph


def test_images_stay_apart(examples, analysed):
    """The rules allow every example; and the values of one image are the same, whether alone or in the batch."""
    ends = [ConvLayer(f"at_{name}/end", name, "", None, f"at_{name}/end", (0, 0, 0), 0, None) for name in KNOWN]
    good, left_out = check_batch(
        analysed, ends, import_images(analysed, set(analysed.by_name)), set(), all_needed=False
    )
    assert left_out == [] and len(good) == len(KNOWN)
    whole, alone = examples.run(IMAGES), examples.run(IMAGES[2:3])
    for name in KNOWN:
        np.testing.assert_allclose(whole[name][2:3], alone[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_nchw_becomes_nhwc():
    """A graph between two transposes, which the pass rewrites, gives what it gave before."""
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        pixels, ends = tf.placeholder(tf.float32, [None, SIDE, SIDE, SIDE], "pixels"), []
        channels_first = tf.nn.bias_add(tf.transpose(pixels, [0, 3, 1, 2]), np.arange(1.0, SIDE + 1) / 9, "NCHW")
        for name in KNOWN:
            value = example(name)(channels_first)
            if value.shape.ndims == 4:
                value = tf.transpose(value, [0, 2, 3, 1])
            ends.append(tf.identity(value).name)
        expected = session.run(ends, {pixels: IMAGES})
    rewritten = Graph(graph.as_graph_def())
    rewritten.input = "pixels"
    to_nhwc(rewritten)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.import_graph_def(rewritten.to_graph_def(), name="")
        for name, value, truth in zip(KNOWN, session.run(ends, {"pixels:0": IMAGES}), expected):
            np.testing.assert_allclose(value, truth, rtol=1e-5, atol=1e-6, err_msg=name)


def test_no_value_depends_on_pixels_outside_its_field(examples, analysed):
    """One pixel of an image is changed at a time. Every row with a rule has a known field in its example."""
    images = np.repeat(IMAGES[:1], SIDE * SIDE + 1, 0)
    for number in range(SIDE * SIDE):
        images[number, number // SIDE, number % SIDE] = 0.95 - IMAGES[0, number // SIDE, number % SIDE]
    values, fields = examples.run(images), receptive_fields(analysed)[0]
    for name in KNOWN:
        field, value = fields.get(f"at_{name}/end"), values[name]
        images_of_pixels = value.ndim == 4 and row(name).moves != "images" and row(name).kind != "channels"
        assert field or not images_of_pixels, f"{name}: no field"
        if field:
            changed = ~np.isclose(value[:-1], value[-1:], rtol=1e-6, atol=0, equal_nan=True).all(3)
            for number, y, x in zip(*np.nonzero(changed)):
                for at, pixel, one in ((y, number // SIDE, field[0]), (x, number % SIDE, field[1])):
                    assert 0 <= pixel - (one.begin + at * one.step) < one.size, name


def test_no_value_is_above_its_bound(examples):
    images = np.concatenate([IMAGES, -IMAGES, np.full_like(IMAGES[:1], 0.45), np.full_like(IMAGES[:1], -0.45)])
    names = [name for name in KNOWN if row(name).bound != "unknown" and examples.outputs[name].dtype == tf.float32]
    with examples.graph.as_default():
        paths = [find_path(examples.pixels, examples.outputs[name]) for name in names]
        bounds = [overflow.build_bound(examples.pixels, path) for path in paths]
    assert [name for name, bound in zip(names, bounds) if bound is None] == []
    values = examples.session.run([examples.outputs[name] for name in names], {examples.pixels: images})
    feeds = {bound.magnitude: np.abs(images).max() for bound in bounds}
    limits = examples.session.run([bound.value for bound in bounds], {examples.pixels: images[:1], **feeds})
    for name, value, limit in zip(names, values, limits):
        assert np.abs(value).max() <= limit * 1.00001, name


# Rows without a bound, although the values of the example have one.
BOUNDED_EXAMPLES = {
    **dict.fromkeys(["ClipByValue", *(name for name in KNOWN if name.startswith("FakeQuant"))], "limits as -9 and 1"),
    **dict.fromkeys(["Xlogy", "Xlog1py", "Atan2", "NextAfter"], "the second input may be negative"),
    **dict.fromkeys(["Complex", "Real", "Imag", "Conj", "ComplexAbs"], "complex numbers have no order"),
    **dict.fromkeys(["Switch", "RefSwitch", "Merge", "RefMerge"], "a branch that is not taken has no value"),
    "CumulativeLogsumexp": "minus infinity, if it leaves out the first value",
    "TopKV2": "the smallest values, if it takes all",
    "AdjustSaturation": "the scale may be above 1",
    "LRN": "the divisor may be below 1",
    "FloorDiv": "the divisor may be below 1",
}


def test_a_row_has_a_bound_if_there_is_one(examples):
    """|f(x)| is never above the bound of the row, for m >= |x|. Without one, some |f(x)| is above every possible bound.

    A bound is f(m) itself, m ("identity"), or m and the magnitude of the second input ("sum").
    """
    random = np.random.RandomState(1)
    largest = np.exp(random.uniform(-6, 3, (90, *IMAGES.shape[1:]))).astype(np.float32)
    images = largest * random.uniform(-1, 1, largest.shape).astype(np.float32)
    images[:30] = largest[:30] * random.choice([-1, 1], largest[:30].shape)
    images[30:40] = -largest[30:40]
    values, same = examples.run(images), examples.run(largest)
    for name in set(KNOWN) - {"Gather", *BOUNDED_EXAMPLES}:  # the images are indices of Gather, not values
        known, value = row(name).bound, values[name]
        if value.dtype == np.float32:
            bounds = {"same": same[name]}
            if row(name).moves == "elementwise" and value.shape == images.shape:
                is_single = len(definition(name).input_arg) == 1
                bounds.update({"identity": largest} if is_single else {"sum": largest + SECOND})
            with np.errstate(invalid="ignore"):  # a bound of NaN is none, and a value of NaN is above any bound
                places = {rule: ~(np.abs(value) <= 1.00001 * bound) & (bound < 1e30) for rule, bound in bounds.items()}
            above = {rule: found.any() for rule, found in places.items()}
            assert all(above.values()) if known == "unknown" else not above.get(known, above["same"]), (name, above)
    assert {row(name).bound for name in BOUNDED_EXAMPLES} == {"unknown"}


def test_kinds_of_activations(examples):
    """A "saturating" row has one input, increases up to 2.5, as Relu6, and is constant from 20 on; no other row is."""
    values = np.array([*np.linspace(0.25, 2.5, 37), 20, 30, 50, 100, 1000]).reshape(-1, 1, 1, 1)
    results = examples.run(np.ones(IMAGES.shape[1:]) * values)
    for name in KNOWN:
        value, kind = results[name], row(name).kind
        if value.dtype == np.float32:
            slopes, large = np.diff(value[:37], axis=0), value[37:]
            slopes = slopes[np.isfinite(slopes)]
            is_constant = np.isfinite(large).all() and (large == large[:1]).all()
            saturates = is_constant and (slopes > 0).all() and len(definition(name).input_arg) == 1
            assert ("saturating" in kind) == saturates, name
            assert kind != "increasing" or (slopes >= 0).all(), name
            assert kind != "decreasing" or (slopes <= 0).all(), name


def test_gradients_equal_finite_differences(examples):
    """Along a random direction. An operation may have no gradient: then a projection is refused."""
    names = [name for name in KNOWN if examples.outputs[name].dtype == tf.float32 and name not in DEFINED_GRADIENTS]
    slopes, random = {}, np.random.RandomState(4)
    direction, step = random.choice([-1, 1], IMAGES.shape).astype(np.float32), 7e-4
    with examples.graph.as_default():
        for name in names:
            try:
                (gradient,) = tf.gradients(tf.reduce_sum(examples.outputs[name]), examples.pixels)
            except LookupError:
                gradient = None
            if gradient is not None:
                slopes[name] = tf.reduce_sum(gradient * direction)
            else:
                assert row(name).projection == "gradient", name
    slopes = examples.session.run(slopes, {examples.pixels: IMAGES})
    sides = [examples.run(IMAGES + sign * step * direction) for sign in (1, -1)]
    for name, slope in slopes.items():
        above, below = [side[name].astype(np.float64).sum() for side in sides]
        scale = np.abs(sides[0][name]).sum() * 1e-4 / step + 1e-2
        np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=2e-2, atol=scale, err_msg=name)


def test_rows_with_linear_rules_are_linear(examples):
    """(f(8x) - f(x)) / 7 = f(x) - f(0) = f(0) - f(-x), if only one input depends on the images."""
    linear = ("linear", "product", "divided")
    names = [name for name in KNOWN if row(name).projection in linear and name not in SEVERAL]
    plus, large, none, minus = [examples.run(scale * IMAGES) for scale in (1, 8, 0, -1)]
    for name in names:
        for step in ((large[name] - plus[name]) / 7, none[name] - minus[name]):
            np.testing.assert_allclose(step, plus[name] - none[name], rtol=1e-4, atol=1e-5, err_msg=name)


OLD = {"BatchNormWithGlobalNormalization"}  # TensorFlow reads them only in graphs of its first year


def test_every_row_that_keeps_the_images_apart_has_evidence():
    """An operation that this TensorFlow does not know is tested on another one."""
    untested = set(APART) - set(KNOWN) - OLD
    assert [name for name in untested if definition(name) is not None] == []


@pytest.mark.parametrize(
    "operation", ["ReadFile", "ImmutableConst", "DebugNanCount", "LookupTableFindV2", "FusedPadConv2D"]
)
def test_an_operation_without_a_row_is_refused(operation):
    assert refusal(operation) is not None and operation not in TABLE


@pytest.mark.parametrize("operation", ["RandomGamma", "StatefulUniformInt", "StatelessRandomGetKeyCounter", "RngSkip"])
def test_random_numbers_are_refused_with_a_way_round(operation):
    _, found, hint = refusal(operation)
    assert "--input" in hint and "random" in found


def test_a_queue_in_random_order_is_not_random():
    assert row("RandomShuffleQueueV2").kind != "random"


def test_the_page_has_the_table():
    regions = page_tables.regions(read(operation_table.PAGE), "operation_table")
    assert regions["operations"].strip() == operation_table.table()
