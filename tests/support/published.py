"""Read what the features and deconv commands publish, and check how they refuse bad input."""

import glob
import hashlib
import io
import os
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph import __main__


def tree(folder):
    """Every file under a folder with the SHA-256 of its content."""
    return {
        os.path.join(where, name): hashlib.sha256(pathlib.Path(where, name).read_bytes()).hexdigest()
        for where, _, names in os.walk(folder)
        for name in names
    }


def read_npz(*place):
    """{name: array} of an .npz file, whose path may be given in parts."""
    with np.load(os.path.join(*map(str, place)), allow_pickle=False) as file:
        return dict(file)


def images_of(folder):
    """{tag: (step, uint8 picture)} of the event files in a run, which have one picture for each tag."""
    found = events_of(folder)
    assert {len(pictures) for pictures in found.values()} <= {1}
    return {tag: pictures[0] for tag, pictures in found.items()}


def assert_refused(capsys, words, *expected):
    """Assert exit status 2 and one line on stderr that contains all of `expected`."""
    assert __main__.main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for words in expected:
        assert words in said


def events_of(folder):
    """{tag: [(step, uint8 picture), ...]} of the event files in a run, in the order of the files."""
    found = {}
    for name in sorted(name for name in os.listdir(folder) if "tfevents" in name):
        for event in tf.train.summary_iterator(os.path.join(folder, name)):
            for value in event.summary.value:
                picture = Image.open(io.BytesIO(value.image.encoded_image_string))
                assert picture.size == (value.image.width, value.image.height)
                found.setdefault(value.tag, []).append((event.step, np.asarray(picture)))
    return found


def results_size(logdir):
    """Bytes of all results for DECONVNET in a log directory."""
    return sum(os.path.getsize(path) for path in glob.glob(os.path.join(logdir, "features", "*", "features*.npz")))
