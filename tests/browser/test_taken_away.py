"""The proof that the browser tests can fail: each looks at the log without its dashboard's data, and must miss it.

The copy holds everything else, and a test that does not need what is gone still passes there.
"""

import os
import shutil

import pytest
import test_dashboards as dashboards
from playwright.sync_api import expect
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.support import board

# A test, and what it looks at: a field of an event or of a summary value, or a file.
NEEDS = [
    (dashboards.test_time_series, "simple_value"),
    (dashboards.test_scalars, "simple_value"),
    (dashboards.test_images, "image"),
    (dashboards.test_audio, "audio"),
    (dashboards.test_histograms, "histo"),
    (dashboards.test_distributions, "histo"),
    (dashboards.test_graph, "graph_def"),
    (dashboards.test_compute_time_and_memory, "tagged_run_metadata"),
    (dashboards.test_projector, "projector_config.pbtxt"),
]


@pytest.mark.slow
@pytest.mark.parametrize("see, gone", NEEDS, ids=[see.__name__ for see, _ in NEEDS])
def test_is_missed(see, gone, trained, log, browser, tmp_path):
    copy = str(tmp_path / "log")
    _copy_without(gone, trained.logdir, copy)
    untouched = dashboards.test_images if gone == "graph_def" else dashboards.test_graph
    with board.tensorboard(copy) as address, board.looking(browser, address, log) as look:
        untouched(look)
        expect.set_options(timeout=5000)
        try:
            with pytest.raises(AssertionError):
                see(look)
        finally:
            expect.set_options(timeout=board.PATIENCE)


def _copy_without(gone, logdir, copy):
    shutil.copytree(logdir, copy)
    for folder, _, names in os.walk(copy):
        for path in [os.path.join(folder, name) for name in names]:
            if os.path.basename(path) == gone:
                os.remove(path)
            if "tfevents" in path:
                events = [Event.FromString(record) for record in RawEventFileLoader(path).Load()]
                with open(path, "wb") as file:
                    for event in events:
                        _write_without(gone, event, RecordWriter(file))
                    # A point at the end, by which one knows that TensorBoard has read it all.
                    end = Event(step=1)
                    end.summary.value.add(tag="end", simple_value=0.0)
                    RecordWriter(file).write(end.SerializeToString())


def _write_without(gone, event, writer):
    kept = [value for value in event.summary.value if value.WhichOneof("value") != gone]
    if event.WhichOneof("what") == "summary":
        del event.summary.value[:]
        event.summary.value.extend(kept)
    if event.WhichOneof("what") != gone:
        writer.write(event.SerializeToString())
