"""Read arrays that numpy saved."""

import numpy as np

from legacy_graph.data import npz
from legacy_graph.data.decoder import OTHER_FILE
from legacy_graph.errors import UserError, reason

EXPECTED = "an .npy or .npz file without pickled objects"


def load_array(path: str) -> np.ndarray:
    """The only array of an .npy or .npz file; an .npy file is memory-mapped.

    Raises:
        UserError: the file cannot be read, has pickled objects, or not exactly one array.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(array, np.ndarray):
            return array
        with array:
            if len(array.files) != 1:
                raise UserError(path, "one array", ", ".join(array.files) or "none", "save one array alone")
            return array[array.files[0]]
    except OSError as error:
        raise UserError(path, EXPECTED, reason(error), OTHER_FILE) from error
    except npz.DAMAGE as error:  # the text of numpy's advises to unpickle the file
        raise UserError(path, EXPECTED, "a damaged file or another one", OTHER_FILE) from error
