"""Silence for native libraries that write to stderr regardless of settings."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr

_lock = threading.Lock()


@contextmanager
def native_stderr_dropped() -> Iterator[None]:
    """Drop output of native code to stderr, but keep Python's messages.

    Output of native code in other threads is dropped too.
    """
    with _lock, ExitStack() as undoing:
        try:
            kept = os.dup(2)
        except OSError:  # closed: nothing can be seen there anyway
            yield
            return
        python_stderr = undoing.enter_context(
            open(kept, "w", buffering=1, errors="backslashreplace")  # noqa: PTH123
        )
        if _is_native(sys.stderr):
            sys.stderr.flush()
            undoing.enter_context(redirect_stderr(python_stderr))
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)
        undoing.callback(os.dup2, kept, 2)
        yield


def _is_native(stream: object) -> bool:
    """Whether a Python stream writes to the same file as native code."""
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return False
