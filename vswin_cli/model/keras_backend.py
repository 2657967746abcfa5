"""Importing Keras on a chosen backend, without the chatter of what it loads."""

import os
import sys
from importlib import import_module

from vswin_cli.errors import BackendError
from vswin_cli.native_stderr import native_stderr_dropped


def import_keras(backend: str) -> None:
    """Import Keras on a backend; later imports of it, anywhere, get this one.

    Raises:
        BackendError: Keras already runs on another backend in this process, or the backend cannot
            be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
        # A user's keras.json would change the model; in this place none can be read or written.
        os.environ["KERAS_HOME"] = os.path.join(os.devnull, "keras")  # noqa: PTH118
    try:
        with native_stderr_dropped():  # TensorFlow's remarks on its CPU and missing GPU
            keras = import_module("keras")
    except ImportError as exc:
        raise BackendError(f"cannot import keras on {backend}: {exc}; reinstall {backend}") from exc
    if keras.config.backend() != backend:
        raise BackendError(
            f"keras already runs on {keras.config.backend()} in this process; "
            f"{backend} needs a process of its own"
        )
