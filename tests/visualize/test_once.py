"""What is slow for large pictures is done once: decoding a picture that is read, encoding one that is published."""

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from legacy_graph.data.images import Images, Preprocessing
from legacy_graph.visualize import image_grid, publishing, reading
from tests.support.graph_models import SIDES, Maker, ends, model_of


def test_a_picture_of_both_kinds_is_encoded_once(tmp_path, monkeypatch):
    encoded, encode = [], image_grid.encode_png
    monkeypatch.setattr(image_grid, "encode_png", lambda picture: encoded.append(picture.shape) or encode(picture))
    sheet, other = np.zeros([4, 5], np.uint8), np.full([2, 3], 7, np.uint8)
    publishing.publish(str(tmp_path / "run"), 1, {"sheet": sheet}, {"sheet.png": sheet, "other.png": other})
    assert sorted(encoded) == [(2, 3), (4, 5)]
    for name, picture in (("sheet", sheet), ("other", other)):
        np.testing.assert_array_equal(np.asarray(Image.open(str(tmp_path / "run" / f"{name}.png"))), picture)


def test_a_picture_is_read_once_for_all_methods():
    counted, pixels = [], np.random.RandomState(0).randint(0, 256, (2, *SIDES, 3)).astype(np.uint8)
    model = model_of(lambda value: ends(tf.nn.relu(Maker().convolve(value, 4))))
    images = Images(2, SIDES, lambda numbers: counted.extend(numbers) or pixels[list(numbers)], Preprocessing(0, 1), "")
    reader = reading.graph_reader(model, model.layers[0])
    with tf.Session(graph=reader.graph) as session:
        found = list(reading.read_images(session, reader, images, [0]))
    assert counted == [0, 1]
    np.testing.assert_array_equal([values.seen for values in found], pixels)
