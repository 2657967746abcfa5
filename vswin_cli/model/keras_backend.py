"""Importing Keras on a chosen backend, without the chatter of what it loads."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TextIO

from vswin_cli.errors import BackendError


def import_keras(backend: str) -> None:
    """Import Keras on a backend; later imports of it, anywhere, get this one.

    Raises:
        BackendError: Keras already runs on another backend in this process, or the backend cannot
            be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
    try:
        with _without_native_messages():
            keras = import_module("keras")
    except ImportError as exc:
        raise BackendError(f"cannot import keras on {backend}: {exc}; reinstall {backend}") from exc
    if keras.config.backend() != backend:
        raise BackendError(
            f"keras already runs on {keras.config.backend()} in this process; "
            f"{backend} needs a process of its own"
        )


@contextmanager
def _without_native_messages() -> Iterator[None]:
    """Drop what native code writes to stderr; Python's own messages still get there.

    TensorFlow reports its CPU features and missing GPU drivers before it reads any setting.
    """
    saved = os.dup(2)
    python_stderr: TextIO = sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with open(saved, "w", buffering=1, closefd=True, errors="backslashreplace") as stderr:  # noqa: PTH123
        sys.stderr = stderr
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(nowhere)
            sys.stderr = python_stderr
