"""The configuration of a Keras model, JSON that lists its layers: written by any Keras, read by the present one."""

import inspect
from typing import Any, Dict, Iterator, Set

import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError

EXPECTED = "a Keras model with one input, made of Keras's own layers"
EXPORT = (
    "export it with the Keras that saved it: model.export(DIRECTORY), or before Keras 2.13 "
    'model.save(DIRECTORY, save_format="tf")'
)
# Needed for training only. Keras 3 refuses those that Keras 2 wrote.
_TRAINING = ("_initializer", "_regularizer", "_constraint")
# Keras 3 runs a model with given weights by `stateless_call`. Keras 2 has no such method and runs it in a session.
KERAS_3 = hasattr(tf.keras.Model, "stateless_call")


def check_config(path: str, config: Any, major: int) -> None:
    """Refuse a model that this Keras cannot read, and a layer whose configuration holds Python code.

    Args:
        path: of the file, for the message.
        config: from the file.
        major: version of the Keras that wrote it.

    Raises:
        UserError: names the version or the layer.
    """
    if major >= 3 and not KERAS_3:
        raise UserError(path, "a model saved by Keras 2", f"one saved by Keras {major}", "use TensorFlow 2.16 or newer")
    for layer in objects(config):
        if layer.get("class_name") in ("Lambda", "TFOpLambda") or layer.get("class_name") == "__lambda__":
            settings = layer.get("config")
            name = settings.get("name", "unnamed") if isinstance(settings, dict) else "unnamed"
            hint = f"replace it by Keras's own layers, or {EXPORT}"
            raise UserError(path, EXPECTED, f"the layer {name} ({layer['class_name']}), which holds Python code", hint)


def objects(config: Any) -> Iterator[dict]:
    """All JSON objects in a configuration."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def to_present(config: Any, major: int) -> Any:
    """The configuration of an HDF5 file as the present Keras reads it; `major` is the version that wrote the file."""
    config = _without_training(config)
    return _renumbered(config) if major < 3 and KERAS_3 else config


def _without_training(config: Any) -> Any:
    """The configuration without what only training needs, and with the shape of the input as both versions read it."""
    if isinstance(config, list):
        return [_without_training(value) for value in config]
    if not isinstance(config, dict):
        return config
    kept = {key: _without_training(value) for key, value in config.items() if not key.endswith(_TRAINING)}
    settings, kind = kept.get("config"), getattr(tf.keras.layers, str(kept.get("class_name")), None)
    if isinstance(settings, list) and kept.get("class_name") == "Sequential":  # before Keras 2.3
        kept["config"] = {"name": kept.get("name", "sequential"), "layers": settings}
    elif isinstance(settings, dict):
        if kept.get("class_name") != "InputLayer" and "batch_input_shape" in settings:
            settings["input_shape"] = settings.pop("batch_input_shape")[1:]
        kept["config"] = _known(kind, settings) if isinstance(kind, type) else settings
    return kept


def _known(kind: type, settings: Dict[str, Any]) -> Dict[str, Any]:
    """The settings of a layer, without those that this Keras does not know and that change nothing: `groups` of 1."""
    names: Set[str] = set()
    for base in kind.__mro__:
        parameters = inspect.signature(base.__init__).parameters.values()
        names.update(parameter.name for parameter in parameters)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break  # it gives no other settings to its base
    idle = {key for key, value in settings.items() if value is None or value is False or (key, value) == ("groups", 1)}
    return {key: value for key, value in settings.items() if key in names or key not in idle | {"trainable"}}


def _renumbered(config: Any) -> Any:
    """The configuration as Keras 3 writes it: the first call of a layer is number 0, a single output is in no list.

    Keras 2 counts the building of a nested model as its call 0, but not if this model was built by its first call.
    """
    for model in objects(config):
        layers, outputs = model.get("layers"), model.get("output_layers", [])
        if isinstance(layers, list):
            references = [*_references([layer.get("inbound_nodes", []) for layer in layers]), *_references(outputs)]
            first: Dict[str, int] = {}
            for name, number, *_ in references:
                first[name] = min(number, first.get(name, number))
            for reference in references:
                reference[1] -= first[reference[0]]
        if len(outputs) == 1:
            model["output_layers"] = outputs[0]
    return config


def _references(value: Any) -> Iterator[list]:
    """All lists [layer, number of the call, number of the output, ...] in nested lists."""
    if isinstance(value, list):
        if len(value) > 2 and isinstance(value[0], str):
            yield value
        else:
            for part in value:
                yield from _references(part)
