"""Progress bars on stderr, only on a terminal."""

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def progress_on_terminal(*columns: ProgressColumn, quiet: bool, expand: bool = False) -> Progress:
    """Make a display on stderr that disappears at its end; it is only shown on a terminal."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    console.quiet = quiet or not console.is_interactive  # or Rich 14 would end it with a line
    return Progress(*columns, console=console, transient=True, expand=expand, disable=console.quiet)
