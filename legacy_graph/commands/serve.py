"""Serve the chief, on all other tasks of a cluster, in the commands `train` and `features`."""

from typing import Optional

from legacy_graph import tf_setup
from legacy_graph.cluster.tf_config import Cluster


def serve_unless_chief(cluster: Optional[Cluster]) -> bool:
    """Serve until the chief has finished its command. Does nothing on the chief, or without a cluster.

    Returns:
        Whether this process has served.
    """
    if cluster is None or cluster.is_chief:
        return False
    tf_setup.import_tensorflow(cluster=True)
    from legacy_graph.cluster.server import serve

    serve(cluster)
    return True
