"""A notebook shows a sheet as a picture, the layers as a table, and bad input as one line."""

import base64
import io

import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image

import legacy_graph
from tests.support.graph_commands import write_graph_and_photos
from tests.support.program import ROOT

CELLS = [
    "import legacy_graph\nmodel = legacy_graph.load_model('two_layers.pb', range=(-1, 1))\nmodel.layers",
    "model.sheet('Conv2D_1', 'photos', top=2, maps=[0, 3])",
    "model.sheet('Conv2D_1', 'nowhere')",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """(folder, the outputs of each cell)."""
    folder = write_graph_and_photos(tmp_path_factory.mktemp("notebook"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    resources = {"metadata": {"path": str(folder)}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ROOT)
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(name, str(folder / name))
        nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", allow_errors=True, resources=resources
        ).execute()
    return folder, [cell.outputs for cell in notebook.cells]


def test_a_sheet_is_a_picture(executed):
    folder, (_, outputs, _) = executed
    (shown,) = [output for output in outputs if output.output_type == "execute_result"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.data["image/png"]))))
    model = legacy_graph.load_model(str(folder / "two_layers.pb"), range=(-1, 1))
    sheet = model.sheet("Conv2D_1", str(folder / "photos"), top=2, maps=[0, 3])
    assert picture.ndim == 3 and (picture[100:] == np.asarray(sheet)[100:]).all()  # the heading names the folders


def test_layers_are_a_table(executed):
    folder, (outputs, _, _) = executed
    (shown,) = [output for output in outputs if output.output_type == "execute_result"]
    model = legacy_graph.load_model(str(folder / "two_layers.pb"))
    assert shown.data["text/plain"] == str(model.layers)


def test_bad_input_is_one_line(executed):
    _, (_, _, outputs) = executed
    (error,) = [output for output in outputs if output.output_type == "error"]
    (line,) = error.traceback
    assert line.startswith("UserError: --images: expected ") and "\n" not in line
