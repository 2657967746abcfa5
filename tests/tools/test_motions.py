import numpy as np
import pytest
from motion.motions import LABELS, STATIC, SYMMETRIES, Symmetry

from vswin_cli.zoo.labels import MOTION, read_labels

MIRROR = Symmetry(left_right=True, up_down=False, transposed=False, reversed=False)
FLIP = Symmetry(left_right=False, up_down=True, transposed=False, reversed=False)
TRANSPOSE = Symmetry(left_right=False, up_down=False, transposed=True, reversed=False)
BACKWARDS = Symmetry(left_right=False, up_down=False, transposed=False, reversed=True)


def renamed(symmetry, label):
    return LABELS[symmetry.of_label(LABELS.index(label))]


def test_classes_are_those_of_the_label_set():
    assert read_labels(MOTION) == LABELS


@pytest.mark.parametrize(
    ("symmetry", "label", "expected"),
    [
        (MIRROR, "pan left", "pan right"),
        (MIRROR, "tilt up", "tilt up"),
        (MIRROR, "zoom in", "zoom in"),
        (MIRROR, "roll clockwise", "roll counterclockwise"),
        (FLIP, "tilt down", "tilt up"),
        (FLIP, "pan right", "pan right"),
        (FLIP, "roll counterclockwise", "roll clockwise"),
        (TRANSPOSE, "pan left", "tilt up"),  # a motion to the right becomes one downward
        (TRANSPOSE, "roll clockwise", "roll counterclockwise"),
    ],
)
def test_mirrors_rename_motions(symmetry, label, expected):
    assert renamed(symmetry, label) == expected


def test_backwards_every_motion_inverts():
    opposite = {"left": "right", "up": "down", "in": "out", "clockwise": "counterclockwise"}
    opposite |= {after: before for before, after in opposite.items()}
    for label in LABELS[1:]:
        kind, way = label.split()
        assert renamed(BACKWARDS, label) == f"{kind} {opposite[way]}"
    assert BACKWARDS.of_label(STATIC) == STATIC


def test_motion_and_flow_turn_with_the_picture():
    """The rotation field of the picture must still match its motion."""
    places = np.linspace(-1, 1, 5)
    y, x = np.meshgrid(places, places, indexing="ij")
    right, down, larger, clockwise = motion = np.array((0.5, -0.3, 0.7, 0.2))

    def field(right, down, larger, clockwise):
        step = np.stack((right + larger * x - clockwise * y, down + larger * y + clockwise * x), -1)
        return np.broadcast_to(step, (3, 5, 5, 2))

    for symmetry in SYMMETRIES:
        np.testing.assert_allclose(
            symmetry.of_flow(field(right, down, larger, clockwise)),
            field(*symmetry.of_motion(motion)),
            atol=1e-12,
        )
