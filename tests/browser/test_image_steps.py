"""The steps of a picture that the slider of IMAGES reaches, with each command that starts TensorBoard."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from legacy_graph.config import Config, is_image_step
from tests.browser.image_steps import choose_step
from tests.support import board

STEPS = {run: [step for step in range(last + 1) if is_image_step(step, None)]
         for run, last in (("default", Config().steps), ("long", 20000))}  # fmt: skip


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Event files of a run with the default number of steps, and of a long run."""
    folder = tmp_path_factory.mktemp("images")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.summary.image("features", tf.constant(np.zeros([1, 4, 4, 1], np.uint8)), 1)
        tf.summary.scalar("loss", tf.constant(0.0))
        summaries = tf.summary.merge_all()
        for run, steps in STEPS.items():
            with tf.summary.FileWriter(str(folder / run)) as writer:
                for step in steps:
                    writer.add_summary(session.run(summaries), step)
    return str(folder)


@pytest.mark.parametrize("program, runs", [(["tensorboard.main"], ["default"]), (board.PROGRAM, ["default", "long"])],
                         ids=["tensorboard", "legacy_graph"])  # fmt: skip
def test_the_slider_reaches_every_step(browser, logdir, program, runs):
    with board.tensorboard(logdir, program=program) as address:
        for run in runs:
            page = board.open_page(browser, address, "images", "^features", f"^{run}$")
            for index, step in enumerate(STEPS[run]):
                choose_step(page, index, step)
            page.close()
