"""Where the operations of a graph run: in-graph replication, with one tower of the network for each worker.

Source: TensorFlow 1's guide "Distributed TensorFlow", section "Replicated training".
"""

import contextlib
from typing import ContextManager, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.cluster.tf_config import PS, Cluster


def chief_scope(cluster: Optional[Cluster]) -> ContextManager[None]:
    """Place operations on the chief, and variables on the parameter server if there is one.

    Without a cluster the scope has no effect. Device names are complete, because GRAPHS colours each spelling anew.
    """
    if cluster is None:
        return contextlib.nullcontext()
    servers = [task for task in cluster.tasks if task.job == PS]
    if not servers:
        return tf.device(cluster.chief.device)
    return tf.device(tf.train.replica_device_setter(1, ps_device=servers[0].device, worker_device=cluster.chief.device))


def name_devices(graph_def: tf.GraphDef) -> None:
    """Write the device that TensorFlow will choose into nodes without one, so that GRAPHS can colour them.

    This is the device of the node with which they are colocated, or of the variable that they read.
    """
    devices = {node.name: node.device for node in graph_def.node}
    for node in graph_def.node:
        if not node.device and "_class" in node.attr:
            node.device = devices[node.attr["_class"].list.s[0].decode().replace("loc:@", "")]
        elif not node.device and node.op == "ReadVariableOp":
            node.device = devices[node.input[0]]


def later_towers(cluster: Optional[Cluster], batch_size: int = 0) -> List[Tuple[str, int]]:
    """(device, first row of its share of a batch) for each worker except the chief; empty without a cluster."""
    if cluster is None:
        return []
    shares = np.array_split(np.arange(batch_size), len(cluster.workers))
    begins = np.cumsum([len(rows) for rows in shares])
    return [(task.device, int(begin)) for task, begin in zip(cluster.workers[1:], begins)]
