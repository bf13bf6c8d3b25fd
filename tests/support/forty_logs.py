"""Logs that differ in what TensorBoard shows of them: {name: function that writes the log into a directory}."""

import gzip
import json
import os
import shutil

import numpy as np
import tensorflow.compat.v1 as tf

VERSION = tf.Event(file_version="brain.Event:2")
START = tf.SessionLog.START


def write(folder, *events, name="events.out.tfevents.1.host", cut=0):
    """Write an event file, without its last `cut` bytes; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder / name)
    with tf.io.TFRecordWriter(path) as writer:
        for number, event in enumerate((VERSION, *events)):
            event.wall_time = 1000 + number
            writer.write(event.SerializeToString())
    os.truncate(path, os.path.getsize(path) - cut)
    return path


def value(step, tag="loss", **fields):
    return tf.Event(step=step, summary=tf.Summary(value=[tf.Summary.Value(tag=tag, **fields)]))


def scalar(step, tag="loss"):
    return value(step, tag, simple_value=step)


def tensor(step, plugin, content, tag="tag", data=b""):
    plugin_data = tf.SummaryMetadata.PluginData(plugin_name=plugin, content=data)
    metadata = tf.SummaryMetadata(plugin_data=plugin_data)
    return value(step, tag, tensor=tf.make_tensor_proto(content), metadata=metadata)


PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
)


def image(step, tag="picture"):
    return value(step, tag, image=tf.Summary.Image(height=1, width=1, colorspace=1, encoded_image_string=PNG))


def audio(step):
    sound = tf.Summary.Audio(sample_rate=8000, num_channels=1, encoded_audio_string=b"RIFF", content_type="audio/wav")
    return value(step, "sound", audio=sound)


def histogram(step):
    return value(step, "weights", histo=tf.HistogramProto(min=0, max=1, num=1, bucket_limit=[1.0], bucket=[1.0]))


def graph(meta=False):
    with tf.Graph().as_default() as built:
        tf.constant(1, name="one")
        if meta:
            return tf.Event(meta_graph_def=tf.train.export_meta_graph().SerializeToString())
        return tf.Event(graph_def=built.as_graph_def().SerializeToString())


def keras_graph():
    dense = {"class_name": "Dense", "config": {"name": "dense", "dtype": "float32", "batch_input_shape": [None, 3]}}
    model = {"class_name": "Sequential", "config": {"name": "net", "layers": [dense]}}
    return tensor(0, "graph_keras_model", json.dumps(model), "keras", b"1")


def traced(step, tag):
    event = tf.Event(step=step)
    event.tagged_run_metadata.tag = tag
    event.tagged_run_metadata.run_metadata = tf.RunMetadata().SerializeToString()
    return event


def session(step):
    return tf.Event(step=step, session_log=tf.SessionLog(status=START))


def vectors(folder, text):
    """A run whose projector reads a file of vectors."""
    write(folder, scalar(0))
    np.savetxt(str(folder / "vectors.tsv"), np.arange(12.0).reshape(4, 3), delimiter="\t")
    (folder / "projector_config.pbtxt").write_text(text)


def checkpoint(folder, shape, config):
    """A run with a checkpoint that has the variable `words`."""
    write(folder, scalar(0))
    with tf.Graph().as_default(), tf.Session() as running:
        variable = tf.get_variable("words", shape, initializer=tf.zeros_initializer())
        running.run(variable.initializer)
        tf.train.Saver([variable]).save(running, str(folder / "model.ckpt"), write_meta_graph=False)
    if config is not None:
        (folder / "projector_config.pbtxt").write_text(config)


def copy_packed(folder):
    path = write(folder, scalar(3))
    with open(path, "rb") as plain, gzip.open(path + ".gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)


def two_files(folder):
    write(folder, scalar(0), scalar(10))
    write(folder, scalar(5), scalar(20), name="events.out.tfevents.2.host")


def damaged(folder):
    path = write(folder, scalar(0), scalar(1), scalar(2))
    with open(path, "r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"\xff\xff\xff\xff")


TSV = 'embeddings {\n  tensor_name: "words"\n  tensor_path: "vectors.tsv"\n}\n'
NAMED = 'embeddings {\n  tensor_name: "words"\n}\n'
LOGS = {
    "scalar": lambda to: write(to, scalar(0), scalar(5)),
    "scalars of two tags": lambda to: write(to, scalar(0), scalar(3, "accuracy"), scalar(5)),
    "scalar of TensorFlow 2": lambda to: write(to, tensor(2, "scalars", 1.0)),
    "scalar whose plugin only the first names": lambda to: write(
        to, tensor(2, "scalars", 1.0), value(4, "tag", tensor=tf.make_tensor_proto(2.0))
    ),
    "tensor without a plugin": lambda to: write(to, value(2, "tag", tensor=tf.make_tensor_proto(2.0))),
    "text": lambda to: write(to, tensor(0, "text", b"words")),
    "image": lambda to: write(to, image(0), image(7)),
    "image of TensorFlow 2": lambda to: write(to, tensor(1, "images", [b"1", b"1", PNG])),
    "ten images": lambda to: write(to, *map(image, range(10))),
    "audio": lambda to: write(to, audio(0), audio(4)),
    "histogram": lambda to: write(to, histogram(0), histogram(9)),
    "graph": lambda to: write(to, graph()),
    "graph twice": lambda to: write(to, graph(), graph()),
    "graph and scalar": lambda to: write(to, graph(), scalar(1)),
    "meta graph": lambda to: write(to, graph(meta=True)),
    "keras graph": lambda to: write(to, keras_graph()),
    "trace without a graph": lambda to: write(to, traced(0, "step 0")),
    "graph and traces": lambda to: write(to, graph(), traced(0, "step 0"), traced(9, "step 9")),
    "no record": lambda to: write(to),
    "no byte": lambda to: (to.mkdir(), (to / "events.out.tfevents.1.host").write_bytes(b"")),
    "session log alone": lambda to: write(to, session(0)),
    "cut short": lambda to: write(to, scalar(0), scalar(1), scalar(2), cut=5),
    "damaged": damaged,
    "other bytes": lambda to: (to.mkdir(), (to / "events.out.tfevents.1.host").write_bytes(b"no event file" * 9)),
    "steps that go back": lambda to: write(to, *map(scalar, [*range(0, 101, 10), *range(50, 71, 10)])),
    "steps of one tag go back": lambda to: write(to, scalar(0), scalar(9, "a"), scalar(4, "a"), scalar(9)),
    "a step twice": lambda to: write(to, scalar(0), scalar(5), scalar(5)),
    "images that go back": lambda to: write(to, image(0), image(8), image(3)),
    "resumed": lambda to: write(to, session(0), scalar(0), scalar(10), session(5), scalar(5), scalar(20)),
    "two files": two_files,
    "a packed copy": copy_packed,
    "a name in front": lambda to: write(to, scalar(1), name="my.tfevents.1"),
    "negative step": lambda to: write(to, scalar(-3), scalar(2)),
    "vectors in a file": lambda to: vectors(to, TSV),
    "vectors in a file without a name": lambda to: vectors(to, 'embeddings {\n  tensor_path: "vectors.tsv"\n}\n'),
    "vectors outside": lambda to: vectors(to, TSV.replace("vectors.tsv", "../vectors.tsv")),
    "table of a checkpoint": lambda to: checkpoint(to, [4, 3], NAMED),
    "table without a configuration": lambda to: checkpoint(to, [4, 3], None),
    "vector of a checkpoint": lambda to: checkpoint(to, [4], ""),
    "configuration alone": lambda to: vectors(to, NAMED),
}
