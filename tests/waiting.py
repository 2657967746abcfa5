"""Waiting for other processes, with a time limit."""

import subprocess
import threading
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition is true, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_line(process: subprocess.Popen[str], text: str, seconds: float = 30) -> None:
    """Read the standard error of a process until a line with this text, or fail."""
    found = threading.Event()

    def read() -> None:
        for line in iter(process.stderr.readline, ""):
            if text in line:
                found.set()
                return

    threading.Thread(target=read, daemon=True).start()
    assert found.wait(seconds)
