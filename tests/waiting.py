"""Waiting for what other processes do, with an end to it."""

import subprocess
import threading
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_line(process: subprocess.Popen[str], text: str, seconds: float = 30) -> None:
    """Read the standard error of a process up to the line that has this text in it, or fail."""
    found = threading.Event()

    def read() -> None:
        for line in iter(process.stderr.readline, ""):
            if text in line:
                found.set()
                return

    threading.Thread(target=read, daemon=True).start()
    assert found.wait(seconds)
