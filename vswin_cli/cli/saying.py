"""A watcher for commands without progress bars: what it hears goes to stderr, a line each."""

import contextlib
import sys

from vswin_cli.formats.text import printable
from vswin_cli.weights.watch import Watcher


class Saying(Watcher):
    """Says why it does not go on, as while another process has the file."""

    def says(self, text: str) -> None:
        """Print one line; what nobody can read must not stop anything."""
        with contextlib.suppress(OSError):
            print(printable(text), file=sys.stderr, flush=True)
