"""python -m tests.agreement.formats write FOLDER, or: read FOLDER OUT.npz

`write` saves the article's network in each format. `read` saves its projections by `deconvolve` and from each format,
under the names "FORMAT LAYER METHOD".
"""

import sys

import numpy as np

from tests.support.article_formats import FORMATS, deconvolved, loaded, write


def main(command, folder, out=None):
    if command == "write":
        write(folder)
        return
    found = {"deconvolve": deconvolved(folder), **{name: loaded(folder, name) for name in FORMATS}}
    np.savez(out, **{f"{name} {key}": value for name, of_one in found.items() for key, value in of_one.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
