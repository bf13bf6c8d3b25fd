"""`features --steps` for a log directory of `FeaturesHook`: the sheet of the recorded steps, drawn again."""

import argparse
import os

from legacy_graph import tf_setup
from legacy_graph.commands.graph_folder import article_folder
from legacy_graph.commands.option_values import ALL, layer_names, refuse
from legacy_graph.commands.shared_options import check_graph_options
from legacy_graph.config import TOP
from legacy_graph.errors import UserError
from legacy_graph.logdir import kept_kernels, layout
from legacy_graph.visualize import evolution

# Options that need the network: the hook has recorded pictures and weights, but no graph.
_OTHERS = (
    "images", "data_dir", "other_data", "maps", "order", "control", "context", "draw", "method", "ties", "patch",
    "stride", "cover",
)  # fmt: skip


def is_of_hook(logdir: str) -> bool:
    """Whether a log directory has steps that `FeaturesHook` recorded, and no run of `train`."""
    return bool(kept_kernels.kept_steps(logdir)) and not layout.is_ours(logdir)


def draw_steps(options: argparse.Namespace) -> None:
    """Draw the sheet of the steps of --steps for each layer of --layer, by default for all, and print its path.

    Raises:
        UserError: an option that needs the network, or a layer or step that was not recorded.
    """
    check_graph_options(options)
    others = (*_OTHERS, "top") if options.top != TOP else _OTHERS
    hint = "leave it out: the pictures are those that were recorded"
    refuse(options, others, "only --layer and --steps for the results of FeaturesHook", "this option", hint)
    top = os.path.join(options.logdir, layout.FEATURES)
    names = layout.list_folder(top, "results")
    recorded = sorted(name for name in names if os.path.isfile(os.path.join(top, name, layout.NUMBERS)))
    chosen = layer_names(options.layer or ALL) or recorded
    if not recorded:
        raise UserError(top, "the results of FeaturesHook for each layer", "none", "name another --logdir")
    tf_setup.import_tensorflow()
    from legacy_graph.training.layer_record import publish_steps

    for name in chosen:
        folder = name.replace("/", "_")
        if folder not in recorded:
            raise UserError("--layer", f"one of {', '.join(recorded)}", repr(name), "choose among these")
        source = target = os.path.join(top, folder)
        if options.steps is not None:
            target, _ = article_folder(options, layout.FEATURES, [folder])
        publish_steps(source, name, options.steps, target)
        print(f"Evolution sheet: {os.path.join(target, evolution.SHEET)}")
