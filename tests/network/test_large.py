"""The large architecture: its cost, and the logits of its first stages at full width."""

from dataclasses import replace

import numpy as np
import plain_swin
import pytest
from converting import converted, logits
from foreign import original, save_zip

from vswin_cli.zoo.architectures import LARGE, num_macs, num_parameters


def test_cost_is_the_published_one():
    assert num_parameters(LARGE, 400) / 1e6 == pytest.approx(197.0, abs=0.2)
    assert num_macs(LARGE, 400, (32, 224, 224)) / 1e9 == pytest.approx(604, abs=1)


@pytest.mark.slow
def test_logits_at_full_width_are_those_of_a_plain_forward_pass(tmp_path):
    shallow = replace(LARGE, name="custom", depths=(2, 1, 1), num_heads=LARGE.num_heads[:3])
    weights = original(shallow, 7, seed=3)
    pixels = np.random.default_rng(4).standard_normal((2, 32, 32, 3)).astype(np.float32)
    model = converted(save_zip(tmp_path / "large.pth", {"state_dict": weights}))
    assert model.architecture == shallow
    expected = plain_swin.logits(weights, shallow, pixels)
    np.testing.assert_allclose(logits(model, pixels), expected, rtol=0, atol=1e-4)
