"""学到的特征 of your own network: a hook that records, while it trains, what its feature maps have learned.

In the log directory, for each convolution layer and each recorded step:

    features/<layer>      contact sheets for IMAGES, and the files for the DECONVNET dashboard, as from `features`
    learning              summaries: features/<layer>, kernels/<layer>, learned/<layer>, <layer>/activations,
                          <layer>/sparsity, <layer>/dead, as described in `training.learning`
    kernels/step-N.npz    the variables that the layers use, by their names: see `logdir.kept_kernels`

The hook adds no operation to your graph: it copies graph and weights into a graph of its own. The seeds of operations
and the random numbers of your graph therefore stay as they are, and so do the losses.
"""

import os
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.config import METHODS, TOP, is_image_step
from legacy_graph.data import arguments
from legacy_graph.errors import UserError, explain, printable
from legacy_graph.graphs.load import find_layer
from legacy_graph.graphs.model import ConvLayer, Model
from legacy_graph.graphs.op_table import CONVOLUTIONS
from legacy_graph.graphs.read.session import image_tensor_name, session_graph, snapshot
from legacy_graph.graphs.target import Loader, read_preprocessing
from legacy_graph.logdir import kept_kernels, layout
from legacy_graph.logdir.event_writer import FileWriter
from legacy_graph.training import layer_record
from legacy_graph.visualize.loaded_model import ImageSource, LoadedModel
from legacy_graph.visualize.publishing import publish
from legacy_graph.visualize.rank_correlation import rank_correlation

LEARNING = "learning"  # directory of the summaries
HINT = "name another directory, or move it away"


class FeaturesHook(tf.train.SessionRunHook):
    """Records what the layers of a network learn. For `tf.train.MonitoredTrainingSession(hooks=[...])`.

    In a loop with a plain session, call `record(session, step)` before the first step and after each one, and
    `end(session)` after the loop.

    Args:
        images: the tensor of your graph that takes the images, float32 [B, H, W, channels], or its name.
        layers: labels of layers; None takes all convolutions.
        logdir: directory of the results; created if missing.
        every: steps between records. None records step 0, then often, then less often: see `config.is_image_step`. The
            last step is always recorded.
        pictures: N images to show to the layers, as `images` takes them, or uint8 or files with `range`.
        top: images on the sheet of each feature map.
        method: of the projections: "deconvnet", "gradient" or "guided"; None chooses one that shows the images.
        values: of bool placeholders of your graph, such as {"is_training": False}; by default their names decide.
        range, mean, bgr: preprocessing of `pictures`, as in `load_model`.
    """

    def __init__(
        self,
        images: Union[tf.Tensor, str],
        layers: Optional[Sequence[str]],
        logdir: str,
        every: Optional[int] = None,
        *,
        pictures: ImageSource,
        top: int = TOP,
        method: Optional[str] = None,
        values: Optional[Dict[str, bool]] = None,
        range: Optional[Sequence[float]] = None,
        mean: Sequence[float] = (),
        bgr: bool = False,
    ) -> None:
        self._images, self._layers, self._logdir = images, layers, arguments.file_path("logdir", logdir)
        self._every = every if every is None else arguments.integer("every", every, 1)
        self._pictures, self._top, self._values = pictures, arguments.integer("top", top, 1), values
        self._method = arguments.choice("method", method, METHODS)
        image_tensor_name(images)  # refuses what is no tensor
        if layers is not None:
            self._layers = arguments.labels("layers", layers)
        self._preprocessing = read_preprocessing(range, mean, bgr)
        self._writer: Optional[FileWriter] = None
        self._first: Dict[str, np.ndarray] = {}  # the variables of the first recorded step
        self._global_step: Optional[tf.Tensor] = None
        self._labels: List[str] = []  # of the recorded layers
        self.recorded: List[int] = []  # steps
        self._seen = -1  # the last step

    def record(self, session: tf.Session, step: int) -> None:
        """Record the layers if a record is due at `step`, or at a step since the last call.

        Raises:
            UserError: the graph or the pictures cannot be shown, or the results cannot be written.
        """
        step = arguments.integer("step", step)
        due = any(is_image_step(passed, self._every) for passed in range(self._seen + 1, step + 1))
        self._seen = step
        if due:
            self._write(session, step)

    def begin(self) -> None:
        """Find the global step. MonitoredSession calls this before the session exists, for each training anew."""
        self._writer, self._seen, self.recorded = None, -1, []
        self._global_step = tf.train.get_global_step()
        if self._global_step is None:
            hint = "call tf.train.get_or_create_global_step() and give it to the optimizer"
            raise UserError("FeaturesHook", "a graph with a global step", "none", hint)

    def after_create_session(self, session: tf.Session, coord: tf.train.Coordinator) -> None:
        """Record the first step, if due. MonitoredSession calls this when the variables have values.

        It calls this again after it has lost its session, with the variables of an earlier step.
        """
        step = int(session.run(self._global_step))
        self._seen, self.recorded = step - 1, [recorded for recorded in self.recorded if recorded < step]
        if self._writer is not None:
            self._discard_events(step)
        self.record(session, step)

    def after_run(self, run_context: tf.train.SessionRunContext, run_values: tf.train.SessionRunValues) -> None:
        """Record a step, if due. MonitoredSession calls this after each run."""
        session = run_context.session
        step = int(session.run(self._global_step))
        if step > self._seen:
            self.record(session, step)

    def end(self, session: tf.Session) -> None:
        """Record the last step, and draw the sheet of all steps, `evolution.png`. MonitoredSession calls this."""
        if self._seen >= 0 and self._seen not in self.recorded[-1:]:
            self._write(session, self._seen)
        for label in self._labels:
            layer_record.publish_steps(self._folder(label), label, None, self._folder(label))

    def _write(self, session, step):
        with tf.Graph().as_default():
            values: Dict[str, np.ndarray] = {}
            name = image_tensor_name(self._images, session_graph(session))
            loader = Loader(snapshot(session, values), "session", name, None, self._values, self._preprocessing)
            model = loader.load()
            layers = _chosen(model, self._layers)
            _check_folders([layer.label for layer in layers])
            kept = _needed(model, layers, values)
            self._start(step, kept)
            opened, results = LoadedModel(loader, "your network"), []
            for layer in layers:
                target = opened.target(layer.label, self._pictures, "pictures")
                learned = self._learned(model, layer, kept)
                results.append(layer_record.record(target, self._method, self._top, step, learned))
        for result in results:
            publish(self._folder(result.label), step, result.sheets.images, result.sheets.files, keep_earlier=True)
        kept_kernels.write(self._logdir, step, kept)
        self._writer.add_summary(tf.Summary(value=[value for result in results for value in result.values]), step)
        self._writer.flush()
        self.recorded.append(step)
        self._labels = [layer.label for layer in layers]

    def _start(self, step, kept):
        """Before the first record: check the log directory, and read the variables of its first step."""
        if self._writer is not None:
            return
        steps = kept_kernels.kept_steps(self._logdir)
        if layout.is_ours(self._logdir) or (steps and step <= steps[0] and step < steps[-1]):
            found = f"those up to step {steps[-1]:,}" if steps else "a run of the command train"
            raise UserError(f"logdir {self._logdir}", "a directory without results of another training", found, HINT)
        self._first = kept
        if steps and steps[0] < step:
            self._first = kept_kernels.read(self._logdir, steps[0])
            shapes, earlier = [{name: array.shape for name, array in values.items()} for values in (kept, self._first)]
            if shapes != earlier:
                path = kept_kernels.path(self._logdir, steps[0])
                raise UserError(path, f"the variables {shapes}", f"{earlier} of another network", HINT)
        with explain(f"logdir {self._logdir}", "a writable directory"):
            os.makedirs(self._logdir, exist_ok=True)
        self._writer = FileWriter(os.path.join(self._logdir, LEARNING))
        self._discard_events(step)

    def _discard_events(self, step):
        """Make TensorBoard discard the events from `step` on: a training that was stopped records them again."""
        self._writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), step)

    def _learned(self, model, layer, kept):
        """The rank correlation of a layer's kernel with the first recorded one; None if it is not one variable."""
        name = model.graph.root(model.graph.data_inputs(layer.name)[1]) if layer.operation in CONVOLUTIONS else ""
        return rank_correlation(kept[name].ravel(), self._first[name].ravel()) if name in kept else None

    def _folder(self, label):
        return os.path.join(self._logdir, layout.FEATURES, _folder_name(label))


def _folder_name(label: str) -> str:
    return printable(label).replace("/", "_")


def _check_folders(labels: Sequence[str]) -> None:
    """Refuse two layers whose results would be in one directory, such as a/b and a_b."""
    names = {_folder_name(label): label for label in labels}
    for label in labels:
        other = names[_folder_name(label)]
        if other != label:
            expected = "labels that differ in more than / and _"
            raise UserError("layers", expected, f"{label} and {other}", "give a list with only one of the two")


def _chosen(model: Model, labels: Optional[Sequence[str]]) -> List[ConvLayer]:
    if labels is not None:
        return [find_layer(model, label) for label in labels]
    return [layer for layer in model.layers if layer.operation in CONVOLUTIONS]


def _needed(model: Model, layers: Sequence[ConvLayer], values: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """The variables that the layers depend on."""
    before = model.graph.ancestors(layer.start for layer in layers)
    return {name: np.asarray(values[name]) for name in sorted(values) if name in before}
