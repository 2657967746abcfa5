import pytest

from vswin_cli.errors import VswinError
from vswin_cli.zoo import labels
from vswin_cli.zoo.labels import (
    KINETICS400,
    KINETICS600,
    MOTION,
    SOMETHING_SOMETHING_V2,
    read_labels,
)


@pytest.mark.parametrize("label_set", [KINETICS400, KINETICS600, SOMETHING_SOMETHING_V2, MOTION])
def test_label_sets_are_whole_and_without_repetition(label_set):
    names = read_labels(label_set)
    assert len(names) == len(set(names)) == label_set.num_classes
    assert all(name == name.strip() and name for name in names)


def test_order_is_the_published_one():
    kinetics = read_labels(KINETICS400)
    assert kinetics[:2] == ("abseiling", "air drumming")
    assert kinetics.index("yoga") == 398
    assert read_labels(KINETICS600)[-1] == "zumba"


def test_camera_motions_are_spelled_as_documented():
    assert read_labels(MOTION) == (
        "static",
        "pan left",
        "pan right",
        "tilt up",
        "tilt down",
        "zoom in",
        "zoom out",
        "roll clockwise",
        "roll counterclockwise",
    )


def test_names_keep_their_commas():
    names = read_labels(SOMETHING_SOMETHING_V2)
    assert sum("," in name for name in names) == 12


def test_kinetics600_spells_american_as_published():
    names = read_labels(KINETICS600)
    assert "passing American football (in game)" in names
    assert "passing american football (not in game)" in names


def test_changed_label_file_is_refused(monkeypatch, tmp_path):
    (tmp_path / "kinetics400.txt").write_text("one\ntwo\n")
    monkeypatch.setattr(labels, "__file__", str(tmp_path / "__init__.py"))
    read_labels.cache_clear()
    with pytest.raises(VswinError, match="reinstall"):
        read_labels(KINETICS400)
    read_labels.cache_clear()
