"""Loading SavedModels of TensorFlow 1 and 2, against what they compute."""

import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import function

from legacy_graph.errors import UserError, reason
from legacy_graph.graphs.load import load_model
from legacy_graph.graphs.nodes import new_node
from tests.support.graph_files import run
from tests.support.saved_models import IMAGES, write_version_1, write_version_2

FEEDS = {"images": IMAGES}


@pytest.mark.parametrize("write, labels", [(write_version_1, ["conv"]), (write_version_2, ["one", "two"])])
def test_outputs_equal_those_of_the_saved_model(write, labels, tmp_path):
    folder = str(tmp_path / "model")
    expected = write(folder)
    model = load_model(folder)
    assert [layer.label.split("/")[-1] for layer in model.layers] == labels
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    assert not model.graph_def.library.function
    assert {node.op for node in model.graph_def.node} == {"Placeholder", "Const", "Identity", "Conv2D", "Relu"}


def test_signatures_are_listed(tmp_path):
    folder = str(tmp_path / "model")
    expected = write_version_2(folder)
    model = load_model(folder, signature="other")
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    with pytest.raises(UserError) as refused:
        load_model(folder, signature="x")
    line = f"{folder}: expected a signature out of other, serving_default, found 'x'; name one with --signature"
    assert str(refused.value) == line


@pytest.mark.parametrize("write", [write_version_1, write_version_2])
def test_without_its_variables_it_is_refused(write, tmp_path):
    folder = tmp_path / "model"
    write(str(folder))
    shutil.rmtree(str(folder / "variables"))
    prefix = folder / "variables" / "variables"
    with pytest.raises(UserError, match=f"^{prefix}: expected .* found .*; the directory is incomplete: copy it again"):
        load_model(str(folder))


def test_operations_that_only_save_need_not_be_known(tmp_path):
    """A later TensorFlow may save the variables by operations that this one does not know."""
    expected = write_version_2(str(tmp_path / "model"))
    file = tmp_path / "model" / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    functions = [one for one in saved.meta_graphs[0].graph_def.library.function if "save" in one.signature.name]
    saving = [node for one in functions for node in one.node_def if node.op == "SaveV2"]
    assert saving
    for node in saving:
        node.op = "LaterSave"
    file.write_bytes(saved.SerializeToString())
    model = load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)


def test_a_lookup_table_is_restored_beside_the_variables(tmp_path):
    folder = str(tmp_path / "model")
    expected = write_version_1(folder, table=True)
    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "model" / "saved_model.pb").read_bytes())
    assert "LookupTableImportV2" in {node.op for node in saved.meta_graphs[0].graph_def.node}
    model = load_model(folder)
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)


@pytest.mark.parametrize("field", ["restore_op_name", "filename_tensor_name"])
def test_a_missing_restore_operation_is_refused(field, tmp_path):
    write_version_1(str(tmp_path / "model"))
    file = tmp_path / "model" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    setattr(model.meta_graphs[0].saver_def, field, "nothing")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as refused:
        load_model(str(tmp_path / "model"))
    line = f"{tmp_path / 'model'}: expected a node nothing, which restores the variables, "
    assert str(refused.value) == line + "found none of that name; the file is damaged: export the model again"


def test_the_reason_is_found_after_a_stack_trace():
    trace = "Graph execution error:\n\nDetected at node 'Read' defined at (most recent call last):\n    File ...\n"
    error = ValueError(trace + "Node: 'Read'\nCould not find variable kernel.\n\t [[{{node Read}}]]")
    assert reason(error) == "Could not find variable kernel."


def test_a_hub_module_has_no_saver(tmp_path):
    """TensorFlow Hub 1 writes the checkpoint without the operations that restore it."""
    expected = write_version_1(str(tmp_path / "model"))
    file = tmp_path / "model" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    meta_graph = model.meta_graphs[0]
    meta_graph.ClearField("saver_def")
    kept = [node for node in meta_graph.graph_def.node if not node.name.startswith("save/")]
    del meta_graph.graph_def.node[:]
    meta_graph.graph_def.node.extend(kept)
    file.write_bytes(model.SerializeToString())
    model = load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)


def test_its_graph_file_alone_is_refused(tmp_path):
    folder = tmp_path / "model"
    write_version_1(str(folder))
    with pytest.raises(UserError) as refused:
        load_model(str(folder / "saved_model.pb"))
    assert str(refused.value).endswith(f"found the graph file of a SavedModel; name its directory, {folder}")


def write_file(folder):
    return tf.io.write_file(str(folder / "written"), "x", name="evil")


def print_to_file(folder):
    return tf.raw_ops.PrintV2(input="x", output_stream=f"file://{folder / 'written'}", name="evil")


def delete_folder(folder):
    prefix = str(folder / "victim" / "part")
    return tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[prefix], destination_prefix=str(folder / "written"), delete_old_dirs=True, name="evil"
    )


def branch(folder):
    """The functions are in a list attribute of the operation."""

    @function.Defun(func_name="writes")
    def writes():
        with tf.control_dependencies([tf.io.write_file(str(folder / "written"), "x")]):
            return tf.constant(1.0)

    return tf.raw_ops.Case(branch_index=0, input=[], Tout=[tf.float32], branches=[writes], name="evil")


def poison(folder, construct, target):
    """Add an operation to a SavedModel, as a control input of its restore operation or of its variable."""
    expected = write_version_1(str(folder / "model"))
    (folder / "victim").mkdir()
    file = folder / "model" / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    graph_def = model.meta_graphs[0].graph_def
    with tf.Graph().as_default() as graph:
        construct(folder)
    added = graph.as_graph_def()
    graph_def.node.extend(added.node)
    graph_def.library.MergeFrom(added.library)
    name = target or model.meta_graphs[0].saver_def.restore_op_name
    next(node for node in graph_def.node if node.name == name).input.append("^evil")
    return model, file, expected


@pytest.mark.parametrize("target", ["", "kernel"])
@pytest.mark.parametrize("construct", [write_file, print_to_file, delete_folder, branch])
def test_a_restore_operation_that_writes_never_runs(construct, target, tmp_path):
    model, file, expected = poison(tmp_path, construct, target)
    file.write_bytes(model.SerializeToString())
    model = load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "victim"]


@pytest.mark.parametrize("listed", [False, True])
def test_a_restore_function_that_writes_never_runs(listed, tmp_path):
    model, file, expected = poison(tmp_path, branch, "")
    node = next(node for node in model.meta_graphs[0].graph_def.node if node.name == "evil")
    value = tf.AttrValue()
    (value.list.func.add() if listed else value.func).name = "writes"
    node.CopyFrom(new_node("StatefulPartitionedCall", "evil", f=value))
    file.write_bytes(model.SerializeToString())
    model = load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(run(model.graph_def, model.layers[-1].start, {model.input: IMAGES}), expected)
    assert not (tmp_path / "written").exists()
