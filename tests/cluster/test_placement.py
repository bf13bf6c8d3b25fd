"""The device of each operation, read from the graph of the training program, without a server."""

import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.article import network
from legacy_graph.cluster.placement import later_towers
from legacy_graph.cluster.tf_config import Cluster, Task
from legacy_graph.config import Config
from legacy_graph.training.program import build_program

CHIEF, SECOND, PS = "/job:worker/task:0/device:CPU:0", "/job:worker/task:1/device:CPU:0", "/job:ps/task:0/device:CPU:0"


def cluster(workers, ps=False):
    addresses = [f"127.0.0.1:{number + 1}" for number in range(workers)]
    jobs = {"worker": addresses, **({"ps": ["127.0.0.1:99"]} if ps else {})}
    return Cluster(jobs, Task("worker", 0, addresses[0]), 60)


@pytest.fixture(scope="module", params=[False, True], ids=["without ps", "with ps"])
def shared(request):
    return request.param, build_program(Config(), cluster(2, request.param))


def operations(program, *prefixes):
    return [one for one in program.graph.get_operations() if one.name.startswith(prefixes)]


def test_the_shares_of_a_batch_begin_where_the_earlier_ones_end():
    assert later_towers(cluster(4), 50) == [(f"/job:worker/task:{n}/device:CPU:0", at) for n, at in
                                            ((1, 13), (2, 26), (3, 38))]  # fmt: skip
    assert later_towers(cluster(1), 50) == later_towers(None, 50) == []


def test_the_second_tower_is_on_the_second_worker(shared):
    towers = operations(shared[1], "tower_1/", "train/gradients/tower_1/")
    reads = {one for one in towers if "/Read/" in one.name or "_grad" not in one.name and one.type == "Identity"}
    kinds = {one.type for one in towers if one not in reads and one.device == SECOND}
    assert {"Conv2D", "MaxPool", "MatMul", "StatelessRandomUniform", "Conv2DBackpropFilter", "MaxPoolGrad"} <= kinds
    heavy = [one for one in towers if one.type in ("Conv2D", "MatMul", "Conv2DBackpropFilter", "Conv2DBackpropInput")]
    assert {one.device for one in heavy} == {SECOND}


def test_variables_are_on_the_chief_or_on_the_parameter_server(shared):
    has_ps, program = shared
    home = PS if has_ps else CHIEF
    kinds = ("VarHandleOp", "ReadVariableOp", "ResourceApplyAdam", "AddN")
    placed = {(one.type, one.device) for one in program.graph.get_operations() if one.type in kinds and one.device}
    assert placed >= {(kind, home) for kind in kinds}
    assert {device for kind, device in placed if kind == "VarHandleOp"} == {home}
    sums = [one for one in operations(program, "train/gradients/AddN") if len(one.inputs) == 2]
    assert len(sums) >= 8 and {one.device for one in sums[-8:]} == {home}


def test_every_device_is_spelled_in_full(shared):
    assert {one.device for one in shared[1].graph.get_operations()} <= {"", CHIEF, SECOND, PS}


def test_every_node_in_graphs_has_a_device(shared):
    assert {node.device for node in shared[1].picture.node if node.op != "NoOp"} == (
        {CHIEF, SECOND, PS} if shared[0] else {CHIEF, SECOND}
    )


def test_each_tower_is_fed_its_share():
    with tf.Graph().as_default():
        net = network.build(towers=later_towers(cluster(4), 50))
    feed = network.feed(net, list(range(50)), "labels")
    assert [list(feed[tower.images]) for tower in net.towers] == [list(range(13, 26)), list(range(26, 38)),
                                                                   list(range(38, 50))]  # fmt: skip
    assert list(feed[net.images]) == list(range(13)) and feed[net.keep_prob] == 1.0
