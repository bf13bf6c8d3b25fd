"""What a person sees in each dashboard, compared with what the event files hold.

The slow tests show that each check can fail: they remove a dashboard's data from a copy of the log, and its check must
fail there, while a check that does not need these data still passes.
"""

import os
import shutil

import pytest
from playwright.sync_api import expect
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.support import board, dashboards

# A check, and the data that it needs: a field of an event or of a summary value, or a file.
NEEDS = [
    (dashboards.time_series, "simple_value"),
    (dashboards.scalars, "simple_value"),
    (dashboards.images, "image"),
    (dashboards.audio, "audio"),
    (dashboards.histograms, "histo"),
    (dashboards.distributions, "histo"),
    (dashboards.graph, "graph_def"),
    (dashboards.compute_time_and_memory, "tagged_run_metadata"),
    (dashboards.projector, "projector_config.pbtxt"),
]
IDS = [check.__name__ for check, _ in NEEDS]


@pytest.mark.parametrize("check", [check for check, _ in NEEDS], ids=IDS)
def test_dashboard_shows_the_event_files(check, look):
    check(look)


@pytest.mark.slow
@pytest.mark.parametrize("check, removed", NEEDS, ids=IDS)
def test_dashboard_without_its_data_fails(check, removed, trained, log, browser, tmp_path):
    copy = str(tmp_path / "log")
    _copy_without(removed, trained.logdir, copy)
    unaffected = dashboards.images if removed == "graph_def" else dashboards.graph
    with board.tensorboard(copy) as address, board.looking(browser, address, log) as look:
        unaffected(look)
        expect.set_options(timeout=5000)
        try:
            with pytest.raises(AssertionError):
                check(look)
        finally:
            expect.set_options(timeout=board.PATIENCE)


def _copy_without(removed, logdir, copy):
    shutil.copytree(logdir, copy)
    for folder, _, names in os.walk(copy):
        for path in [os.path.join(folder, name) for name in names]:
            if os.path.basename(path) == removed:
                os.remove(path)
            if "tfevents" in path:
                events = [Event.FromString(record) for record in RawEventFileLoader(path).Load()]
                with open(path, "wb") as file:
                    for event in events:
                        _write_without(removed, event, RecordWriter(file))
                    # A point at the end: once TensorBoard serves it, it has read the whole file.
                    end = Event(step=1)
                    end.summary.value.add(tag="end", simple_value=0.0)
                    RecordWriter(file).write(end.SerializeToString())


def _write_without(removed, event, writer):
    kept = [value for value in event.summary.value if value.WhichOneof("value") != removed]
    if event.WhichOneof("what") == "summary":
        del event.summary.value[:]
        event.summary.value.extend(kept)
    if event.WhichOneof("what") != removed:
        writer.write(event.SerializeToString())
