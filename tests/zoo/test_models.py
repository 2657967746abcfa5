import pytest

from vswin_cli.errors import UnknownModelError, UsageError
from vswin_cli.zoo.catalog import find_downloaded_model, find_model
from vswin_cli.zoo.models import (
    DEFAULT_MODEL,
    PUBLISHED_MODELS,
    SWIN_N_MOTION,
)

# The paper's tables 1 to 3 and the model zoo: millions of parameters, GMACs per view.
PUBLISHED = {
    "swin-t-k400": (28.2, 88),
    "swin-s-k400": (49.8, 166),
    "swin-b-k400": (88.1, 282),
    "swin-b-k400-in22k": (88.1, 282),
    "swin-b-k600": (88.1, 282),
    "swin-b-ssv2": (88.8, 321),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_costs_are_the_published_ones(name):
    parameters, gmacs = PUBLISHED[name]
    model = find_model(name)
    assert model.num_parameters / 1e6 == pytest.approx(parameters, abs=0.2)
    assert model.gmacs == pytest.approx(gmacs, abs=1)


def test_parameter_counts_are_exact():
    assert find_model("swin-t-k400").num_parameters == 28_158_070
    assert find_model("swin-s-k400").num_parameters == 49_816_678
    assert find_model("swin-b-k400").num_parameters == 88_048_984


def test_file_holds_the_parameters_and_little_else():
    for model in PUBLISHED_MODELS:
        payload = 4 * model.num_parameters
        assert payload < model.classifier_file.num_bytes < payload * 1.02


def test_addresses_are_those_of_the_release():
    assert find_model("swin-b-k400-in22k").classifier_file.url == (
        "https://github.com/innat/VideoSwin/releases/download/v2.0/"
        "videoswin_base_kinetics400_imagenet22k_classifier.weights.h5"
    )


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("swin-t-k40", "swin-t-k400"), ("Swin-B-SSv2", "swin-b-ssv2"), ("swinb600", "swin-b-k600")],
)
def test_unknown_name_suggests_the_nearest(typo, meant):
    with pytest.raises(UnknownModelError, match=f"did you mean {meant}"):
        find_model(typo)


def test_unknown_name_without_a_near_one_lists_all():
    with pytest.raises(UnknownModelError, match=r"one of swin-n-motion, .*swin-b-ssv2"):
        find_model("zzz")


def test_bundled_model_is_the_default_and_light():
    assert find_model("swin-n-motion") is SWIN_N_MOTION is DEFAULT_MODEL
    num_bytes = SWIN_N_MOTION.weights_path.stat().st_size
    assert 2 * SWIN_N_MOTION.num_parameters < num_bytes < 3_000_000


def test_bundled_model_is_not_among_the_downloads():
    with pytest.raises(UsageError, match="bundled"):
        find_downloaded_model("swin-n-motion")
    assert find_downloaded_model("swin-t-k400") is find_model("swin-t-k400")
