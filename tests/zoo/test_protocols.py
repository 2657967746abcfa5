import pytest

from vswin_cli.errors import UsageError
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING, Sampling


def test_what_is_left_out_comes_from_the_models_protocol():
    assert KINETICS.adapted() == KINETICS
    assert KINETICS.adapted(num_crops=1).num_views == 4
    assert KINETICS.adapted(Sampling.MMACTION2, num_clips=10).num_views == 30
    assert SOMETHING_SOMETHING.adapted(Sampling.OFFICIAL).num_clips == 1


def test_uniform_sampling_has_one_clip():
    assert KINETICS.adapted(Sampling.UNIFORM).num_clips == 1
    with pytest.raises(UsageError, match="one clip"):
        SOMETHING_SOMETHING.adapted(num_clips=4)
    with pytest.raises(UsageError, match="--crops 2 is neither 1 nor 3"):
        KINETICS.adapted(num_crops=2)
