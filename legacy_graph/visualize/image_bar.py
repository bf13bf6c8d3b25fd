"""The progress bar of a scan over images: on a terminal and in a notebook."""

from tqdm import std
from tqdm.auto import notebook_tqdm


def image_bar(total: int) -> std.tqdm:
    """A bar for `total` images. Not shown where standard error is neither a terminal nor a notebook with widgets."""
    hidden = None if notebook_tqdm is std.tqdm else False
    return notebook_tqdm(total=total, unit="image", disable=hidden, leave=False, dynamic_ncols=True)
