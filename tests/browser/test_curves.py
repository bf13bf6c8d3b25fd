"""The picture of the test curves, on measurements whose places in it are known."""

import math

from PIL import ImageColor

from tests.browser import curves, diagrams


def test_points_and_bands_stand_where_their_values_are():
    """Two seeds whose 50-digit groups have a loss of 4 or 25, and of 9 or 16: all means are 14.5 and 12.5."""
    updates = [0, 1600]
    seeds = [{"loss": [groups] * 2, "accuracy": [[0.5, 0.5]] * 2} for groups in ([4, 25], [9, 16])]
    picture = curves.draw({"updates": updates, "seeds": seeds}).reduced().load()

    def x(at):
        return round(diagrams.LEFT + diagrams.WIDTH * at / (1.03 * 1600))

    def y(loss):
        return round(diagrams.TOP + diagrams.HEIGHT * (1 - math.log(loss) / math.log(600)))

    places = [(at, loss, curves.POINT) for at, loss in ((1, 172.65), (501, 8.69), (1001, 5.96), (1501, 5.78))]
    places += [
        (250, 13.5, diagrams.LINE), (250, 14.3, curves.SEEDS_BAND),
        (250, 7, curves.GROUPS_BAND), (250, 40, "white"),
    ]  # fmt: skip
    for at, loss, colour in places:
        found, expected = picture[x(at), y(loss)], ImageColor.getrgb(colour)
        assert max(abs(one - other) for one, other in zip(found, expected)) <= 8, (at, loss)
