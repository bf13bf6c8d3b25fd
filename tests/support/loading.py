"""Load a file with a graph in one call."""

from legacy_graph.config import DEFAULT_SIGNATURE
from legacy_graph.graphs.load import load_source
from legacy_graph.graphs.model import Model
from legacy_graph.graphs.read import read_source


def load_model(path, checkpoint=None, signature=DEFAULT_SIGNATURE, tags=None, **options) -> Model:
    """`read_source`, then `load_source` with these options."""
    return load_source(read_source(path, checkpoint, signature, tags), path, **options)
