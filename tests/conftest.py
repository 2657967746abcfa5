import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from models import model_named
from reference import write_checkpoint

# Whoever starts the tests in the background of a script has them ignore Ctrl-C, which the commands
# that they start would inherit, and some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A model's pseudo-random published file, written once a session: `checkpoint(name, top=…)`."""
    folder = tmp_path_factory.mktemp("checkpoints")

    @cache
    def written(name: str, *, top: bool = True) -> Path:
        suffix = "_classifier" if top else ""
        return write_checkpoint(folder / f"{name}{suffix}.weights.h5", model_named(name), top=top)

    return written
