"""The digits that `features` scans with the article's network: the run's own test images, or others."""

import argparse
from typing import NamedTuple, Optional, Sequence

import numpy as np

from legacy_graph.commands.option_values import refuse
from legacy_graph.config import Config
from legacy_graph.data import idx, mnist
from legacy_graph.data.class_names import class_names
from legacy_graph.data.files import find_files
from legacy_graph.errors import UserError, short_path
from legacy_graph.logdir import identity


class Digits(NamedTuple):
    """Images for the article's network."""

    pixels: np.ndarray  # uint8 [N, 784]
    about: str  # a description of the images, for the heading
    other: str  # path of the images; empty for the run's own data
    labels: Optional[np.ndarray]  # uint8 [N], the classes; None for data that the run does not know
    class_names: Sequence[str]  # of the run's ten classes


def open_digits(options: argparse.Namespace) -> Digits:
    """The images of --images, else the test images of the run's data, or with --other-data those of --data-dir."""
    run_data = identity.run_data(options.logdir)
    names = class_names(run_data.known_name)
    if options.images:
        hint = "leave one of them out"
        refuse(options, ("data_dir", "other_data"), "this option without --images", "--images", hint)
        pixels = idx.read_idx(options.images, (mnist.SIDE, mnist.SIDE)).reshape(-1, mnist.PIXELS)
        about = f"images of {short_path(options.images)}, not the run's own data"
        return Digits(pixels, about, options.images, None, names)
    data = _load(options.data_dir, run_data)
    print(f"Data: {data.source}")
    images, labels = data.test
    own = not run_data.text or identity.same_data(identity.describe(data), run_data.text)
    if own:
        of_mnist = run_data.known_name == identity.MNIST
        about = "digits" if of_mnist else f"images of {run_data.name or short_path(data.folder)}"
        return Digits(images, about, "", labels, names)
    if options.other_data:
        return Digits(images, f"images of {short_path(data.folder)}, not the run's own data", data.folder, None, names)
    found = f"{identity.describe(data)} in {data.folder}"
    expected = f"the data of the run in {options.logdir} ({run_data.text})"
    raise UserError("--data-dir", expected, found, "name the data of the run, or add --other-data")


def _load(data_dir, run_data) -> mnist.Dataset:
    """The data in `data_dir`, else in the folder recorded by the run, else in the default folder of the train command.

    The sample is loaded from this package, wherever it is installed. Nothing is downloaded into the folder of a run.
    """
    if data_dir:
        return mnist.load(data_dir)
    sample = mnist.load(mnist.SAMPLE_DIR)
    if identity.same_data(identity.describe(sample), run_data.text):
        return sample
    if run_data.folder and not find_files(run_data.folder).files:
        expected = f"the data of the run in {run_data.folder}"
        raise UserError("--data-dir", expected, "no data there", "name the directory where the data is now")
    return mnist.load(run_data.folder or Config.data_dir)
