"""Functions called in a separate process, so that a crash in native code fails only one test.

python apart.py  # pickled calls on stdin, pickled results on stdout
"""

import atexit
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


class Apart:
    """Calls functions at module level, one after the other, in one process while it lives."""

    def __init__(self):
        self._process = None

    def __call__(self, function, *arguments):
        """Return the function's result, or raise its exception."""
        if self._process is None:
            path = [*filter(None, sys.path), str(Path(__file__).parents[1])]  # with `tests` in it
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            )
            atexit.register(self.close)
        pickle.dump((function, arguments), self._process.stdin)
        self._process.stdin.flush()
        try:
            result, error = pickle.load(self._process.stdout)
        except EOFError:
            code = self._process.wait(30)
            self.close()
            raise AssertionError(f"the process of {function.__name__} ended with {code}") from None
        if error is not None:
            raise error
        return result

    def close(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None


def serve():
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(EOFError):
        while True:
            function, arguments = pickle.load(sys.stdin.buffer)
            try:
                answer = (function(*arguments), None)
            except Exception as exc:
                answer = (None, exc)
            pickle.dump(answer, results)
            results.flush()


if __name__ == "__main__":
    serve()
