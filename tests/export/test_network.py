"""The network for other runtimes gives the results of a plain NumPy forward pass."""

import numpy as np
import openvino
import plain_swin
import pytest
from foreign import NUM_CLASSES, SMALL, original, save_zip

from vswin_cli.conversion.matching import find_model_in
from vswin_cli.export.network import Network
from vswin_cli.export.openvino_graph import OpenVinoGraph
from vswin_cli.export.request import Request
from vswin_cli.zoo.protocols import MEAN, STD

WEIGHTS = original()
SIZES = {"no whole patches, windows or halves": (9, 30, 45), "less than a window": (2, 8, 8)}


@pytest.fixture(scope="module")
def variables(tmp_path_factory):
    path = save_zip(tmp_path_factory.mktemp("theirs") / "theirs.pth", WEIGHTS)
    with find_model_in(path) as found:
        return dict(found.match.variables)


class MostAxes(OpenVinoGraph):
    """Records the largest number of axes of transposed tensors."""

    most = 0

    def transpose(self, x, axes):
        MostAxes.most = max(MostAxes.most, len(axes))
        return super().transpose(x, axes)


@pytest.mark.slow
@pytest.mark.parametrize("is_normalised", [True, False])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_outputs_are_those_of_a_plain_forward_pass(variables, size, is_normalised):
    network = Network(SMALL, size, NUM_CLASSES, is_normalised)
    request = Request("small", (), network, variables, {}, half=False, batch=None)
    views = openvino.opset16.parameter([-1, *size, 3], openvino.Type.f32, name="views")
    outputs = network.outputs(MostAxes(request.constants), views)
    run = openvino.compile_model(
        openvino.Model(list(outputs), [views], "small"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    pixels = np.random.default_rng(1).standard_normal((2, *size, 3)).astype(np.float32)
    given = pixels if is_normalised else pixels * np.float32(STD) + np.float32(MEAN)
    probabilities, features = run([given]).values()
    for view, row, probability in zip(pixels, features, probabilities, strict=True):
        expected = plain_swin.pooled_features(WEIGHTS, SMALL, view)
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-4)
        logits = plain_swin.logits(WEIGHTS, SMALL, view)
        softmax = np.exp(logits - logits.max())
        np.testing.assert_allclose(probability, softmax / softmax.sum(), rtol=0, atol=1e-5)
    assert MostAxes.most <= 5
