"""The folder of a training: on a disk that is full, and as a model."""

import resource

import numpy as np
import pytest
from models import SMALLEST

import vswin_cli as vswin
from vswin_cli.errors import OutputError
from vswin_cli.network.checkpoint import key_table
from vswin_cli.training.outputs import write_model
from vswin_cli.zoo.catalog import find_model


def test_weights_that_do_not_fit_on_the_disk_are_told_in_one_line(tmp_path):
    weights = {key.variable: np.ones(key.shape, np.float32) for key in key_table(SMALLEST, 2)}
    protocol = find_model("swin-n-motion").protocol
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*model\.weights\.h5: File too large"):
            write_model(
                tmp_path, weights, SMALLEST, ("a", "b"), protocol, multi_label=False, origin=""
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not any(tmp_path.iterdir())


def test_folder_of_a_training_is_loaded_from_python(smallest_model):
    model = vswin.load_model(smallest_model)  # a Path, as `Trained.folder`
    assert len(model.labels) == 3
