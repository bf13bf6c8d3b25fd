"""MNIST, or any data set in MNIST's four files: find them, read them, and deal them out in shuffled batches.

`load` finds the files, or downloads them, or takes the sample in this package. `batches` is what `next_batch` of
TensorFlow 1's `input_data` was, and can begin at any step.
"""

import contextlib
import os
from typing import Iterator, NamedTuple, Tuple

import numpy as np

from legacy_graph.data.download import FILES, MIRROR, TIMEOUTS, Timeouts, download, is_original
from legacy_graph.data.files import Found, find_files
from legacy_graph.data.idx import read_count, read_idx
from legacy_graph.errors import UserError

SIDE = 28  # pixels
PIXELS = SIDE * SIDE
CLASSES = 10
VALIDATION = 5000  # digits that TensorFlow 1 held out
SMALL = 10000  # training digits, up to which none are held out
SAMPLE_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


class Digits(NamedTuple):
    """Pictures and what they show."""

    images: np.ndarray  # uint8 [N, 784], 0 is the ground, 255 the ink
    labels: np.ndarray  # uint8 [N], 0 to 9


class Dataset(NamedTuple):
    """The digits to learn from, to tune on (may be none) and to test with."""

    train: Digits
    validation: Digits
    test: Digits
    source: str  # one line: where they came from
    sample: bool  # whether it is only the package's sample
    folder: str  # where the four files are


def load(data_dir: str, url: str = MIRROR, patience: Timeouts = TIMEOUTS, batch_size: int = 1) -> Dataset:
    """The data set in the four files of `data_dir`, in any spelling that `files` knows.

    - All four are there: they are used, whatever data set they hold (Fashion-MNIST, say).
    - The directory is empty or missing: MNIST is downloaded into it from `url`. If that fails (no network, no space, an
      unwritable directory), the sample in this package is used, and `source` says why and what to do.
    - Some are there: the rest is downloaded beside them, if they are MNIST's own. If they are not, or the download
      fails, that is an error: the sample would not be the data that the user meant, and a mixture even less.
    - Only other files are there: that is an error. Nothing is downloaded into a directory with other data.

    Of more than 10,000 training digits the first 5,000 are held out for validation, as TensorFlow 1 did.

    Raises:
        UserError: a file is damaged, some of the four cannot be had, `data_dir` is a file or holds other files only, or
            there are fewer training digits than `batch_size`, which shows before the pictures are read.
    """
    found = find_files(data_dir)
    missing = [name for name in FILES if name not in found.files]
    if not missing:
        return _read_found(found, f"the four files in {found.folder}", batch_size)
    try:
        for name, path in found.files.items():
            if not is_original(path, name):
                raise OSError(
                    f"{os.path.basename(path)} is not MNIST's own, so MNIST's other files do not belong to it"
                )
        download(missing, found.folder, url, patience)
    except OSError as error:
        if found.files:
            advice = f"add what is missing (it was not downloaded: {error})"
            raise UserError(found.folder, "four files", "no " + ", no ".join(missing), advice) from error
        why = f"the 10,000 digits in this package, as the complete set cannot be had ({error})"
        advice = f"for that, put MNIST's four *-ubyte.gz files into {data_dir}"
        return _read_set(find_files(SAMPLE_DIR), f"{why}; {advice}", batch_size)._replace(sample=True)
    return _read_set(find_files(found.folder), f"downloaded from {url} into {found.folder}", batch_size)


def scale_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 [N, 784] -> float32 [N, 784] in [0, 1], by the multiplication of TensorFlow 1's reader."""
    return images.astype(np.float32) * np.float32(1.0 / 255.0)


def one_hot(labels: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """uint8 [N] -> float32 [N, classes], a one in the label's column."""
    return np.eye(classes, dtype=np.float32)[labels]


def batches(digits: Digits, batch_size: int, seed: int, step: int = 0) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Shuffled batches without end, as `next_batch` made them: float32 [B, 784] in [0, 1] and one-hot float32 [B, 10].

    Each epoch has an order of its own; a batch that reaches beyond the end of an epoch takes the rest of it and the
    beginning of the next. The order of epoch e depends on (seed, e) alone, so that a run taken up again at `step` goes
    on with just the batches it would have had.

    Raises:
        UserError: the batch is empty, or larger than the data.
    """
    count = len(digits.labels)
    if not 1 <= batch_size <= count:
        raise UserError("batch size", f"1 to {count}, the number of digits", batch_size, "choose one of these")
    return _deal(digits, batch_size, seed, *divmod(step * batch_size, count))


def _deal(digits, batch_size, seed, epoch, start):
    """The batches from digit `start` of `epoch` on."""
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
    """The four files, split as TensorFlow 1 did."""
    files = found.files
    pictures = read_count(files[TRAIN_IMAGES], (SIDE, SIDE))
    labels = read_count(files[TRAIN_LABELS], ())
    held_out = VALIDATION if labels > SMALL else 0
    if batch_size > labels - held_out and labels == pictures:
        most = f"at most the {labels - held_out} training digits there are ({source})"
        raise UserError("--batch-size", most, batch_size, "take a smaller one")
    train, test = (
        read_digits(files[TRAIN_IMAGES], files[TRAIN_LABELS]),
        read_digits(files[TEST_IMAGES], files[TEST_LABELS]),
    )
    validation = Digits(train.images[:held_out], train.labels[:held_out])
    train = Digits(train.images[held_out:], train.labels[held_out:])
    return Dataset(train, validation, test, source, False, found.folder)


def read_digits(images_file: str, labels_file: str) -> Digits:
    """Pictures and labels from two IDX files.

    Raises:
        UserError: one of them is damaged, or they do not belong together.
    """
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
