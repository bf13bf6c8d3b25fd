"""MNIST, or any data set in MNIST's four files: find, read, split, and draw shuffled batches.

`load` finds the files, downloads them, or uses the sample in this package. `batches` yields the same kind of batches as
`next_batch` of TensorFlow 1's `input_data`, and can begin at any step.
"""

import contextlib
import os
from typing import Iterator, NamedTuple, Tuple

import numpy as np

from legacy_graph.data.download import FILES, MIRROR, TIMEOUTS, Timeouts, download, is_original
from legacy_graph.data.files import Found, find_files
from legacy_graph.data.idx import read_idx
from legacy_graph.errors import UserError

SIDE = 28  # pixels
PIXELS = SIDE * SIDE
CLASSES = 10
VALIDATION = 5000  # digits in TensorFlow 1's validation set
SMALL = 10000  # training digits; no validation set up to this number
SAMPLE_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


class Digits(NamedTuple):
    """Images and their labels."""

    images: np.ndarray  # uint8 [N, 784], 0 is background, 255 is ink
    labels: np.ndarray  # uint8 [N], 0 to 9


class Dataset(NamedTuple):
    """Training, validation (may be empty) and test digits."""

    train: Digits
    validation: Digits
    test: Digits
    source: str  # one line: origin of the data
    sample: bool  # whether this is the sample of the package
    folder: str  # where the four files are


def load(data_dir: str, url: str = MIRROR, patience: Timeouts = TIMEOUTS, batch_size: int = 1) -> Dataset:
    """Load the data set from the four files in `data_dir`; see `files` for the accepted file names.

    - All four files exist: uses them, also for another data set such as Fashion-MNIST.
    - The directory is empty or missing: downloads MNIST into it from `url`. If this fails (no network, no space, an
      unwritable directory), uses the sample in this package, and `source` gives the reason and what to do.
    - Some of the four exist: if they are MNIST's own files, downloads the others into the same directory. Otherwise,
      or if the download fails, raises an error, because the sample would not be the data that the user wants.
    - Only other files exist: raises an error. Nothing is downloaded into a directory with other data.

    With more than 10,000 training digits, the first 5,000 are the validation set, as in TensorFlow 1.

    Raises:
        UserError: a file is damaged, a missing file cannot be downloaded, `data_dir` is a file or has only other files,
            or there are fewer training digits than `batch_size`.
    """
    found = find_files(data_dir)
    missing = [name for name in FILES if name not in found.files]
    if not missing:
        return _read_found(found, f"the four files in {found.folder}", batch_size)
    try:
        for name, path in found.files.items():
            if not is_original(path, name):
                file = os.path.basename(path)
                raise OSError(f"{file} is not a file of MNIST, so the other files of MNIST do not match it")
        download(missing, found.folder, url, patience)
    except OSError as error:
        if found.files:
            advice = f"add the missing files (they were not downloaded: {error})"
            raise UserError(found.folder, "four files", "no " + ", no ".join(missing), advice) from error
        why = f"the 10,000 digits in this package, because the complete set is not available ({error})"
        advice = f"to use the complete set, put MNIST's four *-ubyte.gz files into {data_dir}"
        return _read_set(find_files(SAMPLE_DIR), f"{why}; {advice}", batch_size)._replace(sample=True)
    return _read_set(find_files(found.folder), f"downloaded from {url} into {found.folder}", batch_size)


def scale_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 [N, 784] -> float32 [N, 784] in [0, 1], with the same multiplication as TensorFlow 1's reader."""
    return images.astype(np.float32) * np.float32(1.0 / 255.0)


def one_hot(labels: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """uint8 [N] -> float32 [N, classes], 1 in the column of the label, else 0."""
    return np.eye(classes, dtype=np.float32)[labels]


def batches(digits: Digits, batch_size: int, seed: int, step: int = 0) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Endless shuffled batches, like `next_batch`: images float32 [B, 784] in [0, 1], labels one-hot float32 [B, 10].

    Each epoch has its own random order. A batch at the end of an epoch takes the remaining digits of this epoch and the
    first digits of the next. The order of epoch e depends only on (seed, e), so a run resumed at `step` gets the same
    batches as an uninterrupted run.

    Raises:
        UserError: the batch is empty, or larger than the data.
    """
    count = len(digits.labels)
    if not 1 <= batch_size <= count:
        raise UserError("batch size", f"1 to {count}, the number of digits", batch_size, "choose such a number")
    return _deal(digits, batch_size, seed, *divmod(step * batch_size, count))


def _deal(digits, batch_size, seed, epoch, start):
    """Yield the batches, beginning at digit `start` of `epoch`."""
    count = len(digits.labels)
    order = np.random.RandomState([seed, epoch]).permutation(count)
    while True:
        chosen = order[start : start + batch_size]
        start += batch_size
        if start > count:
            start, epoch = start - count, epoch + 1
            order = np.random.RandomState([seed, epoch]).permutation(count)
            chosen = np.concatenate([chosen, order[:start]])
        yield scale_pixels(digits.images[chosen]), one_hot(digits.labels[chosen])


def _read_found(found: Found, source: str, batch_size: int) -> Dataset:
    """Like `_read_set`; if one file is damaged and the other three are MNIST's own, the hint is to download it."""
    try:
        return _read_set(found, source, batch_size)
    except UserError as error:
        others = [(path, name) for name, path in found.files.items() if path != error.subject]
        with contextlib.suppress(OSError):
            if len(others) == len(FILES) - 1 and all(is_original(*other) for other in others):
                error = UserError(error.subject, error.expected, error.found, "remove it to have it downloaded again")
        raise error


def _read_set(found: Found, source: str, batch_size: int) -> Dataset:
    """Read the four files, with the validation split of TensorFlow 1."""
    files = found.files
    digits = _read_digits(files[TRAIN_IMAGES], files[TRAIN_LABELS])
    count = len(digits.labels)
    held_out = VALIDATION if count > SMALL else 0
    if batch_size > count - held_out:
        most = f"at most the {count - held_out} training digits there are ({source})"
        raise UserError("--batch-size", most, batch_size, "take a smaller one")
    validation = Digits(digits.images[:held_out], digits.labels[:held_out])
    train = Digits(digits.images[held_out:], digits.labels[held_out:])
    test = _read_digits(files[TEST_IMAGES], files[TEST_LABELS])
    return Dataset(train, validation, test, source, False, found.folder)


def _read_digits(images_file: str, labels_file: str) -> Digits:
    """Pictures and labels from two IDX files; UserError if their numbers differ, or a label is too large."""
    images = read_idx(images_file, (SIDE, SIDE)).reshape(-1, PIXELS)
    labels = read_idx(labels_file, ())
    if len(images) != len(labels):
        pair = f"{len(images):,} labels, as many as pictures in {images_file}"
        raise UserError(labels_file, pair, f"{len(labels):,}", "copy both files again")
    if labels.max() >= CLASSES:
        place = int(np.argmax(labels >= CLASSES))
        expected = f"labels from 0 to {CLASSES - 1}, for the network is built for {CLASSES} classes"
        hint = f"use a data set with at most {CLASSES} classes, or copy the file again if it is damaged"
        raise UserError(labels_file, expected, f"{labels[place]} at place {place:,}", hint)
    return Digits(images, labels)
