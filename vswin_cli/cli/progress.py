"""Progress on stderr, only on a terminal; downloads are reported elsewhere too."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vswin_cli.cli.bars import progress_on_terminal
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.terminal import printable
from vswin_cli.weights.cache import WeightsFile
from vswin_cli.weights.needed import FetchFile


@contextmanager
def share_shown(title: str, *, quiet: bool = False) -> Iterator[Callable[[float], None]]:
    """Show the progress of a task; yields a function to call with the share from 0 to 1."""
    columns = TextColumn(title), BarColumn(), TimeRemainingColumn()
    with progress_on_terminal(*columns, quiet=quiet) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda share: progress.update(task, completed=share)


def track_shown(
    title: str, *, quiet: bool = False
) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """Pass on items as they are done, and show their number and the total."""

    def track(each: Iterable[Any], total: int) -> Iterator[Any]:
        with share_shown(title, quiet=quiet) as show:
            for number, one in enumerate(each, start=1):
                yield one
                show(number / total)

    return track


def fetch_shown(*, quiet: bool = False) -> FetchFile:
    """Return a function that fetches a file that a model needs, with a display."""

    def fetch(target: WeightsFile, mirror: str | None) -> None:
        from vswin_cli.cli.downloads import fetch_all  # imports HTTP and HDF5
        from vswin_cli.weights.fetch import Fetching

        error = fetch_all([target], Fetching(mirror), brief=True, quiet=quiet)[target]
        if error is not None:
            raise error

    return fetch


class ViewProgress:
    """A spinner while the model loads, then a bar over the views of the current video.

    It is only drawn from `say`, or from the next video of `each`, until `clear`, so that results
    can be printed to the same terminal in between.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._progress = progress_on_terminal(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            quiet=quiet,
        )
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def say(self, text: str) -> None:
        """Show a step without a known end."""
        self._progress.reset(self._task, total=None, description=text)
        self._progress.start()

    def each(self, videos: Iterable[str]) -> Iterator[str]:
        """Yield the videos, showing the current one."""
        for video in videos:
            name = Text(printable(without_credentials(video)))
            name.truncate(self._progress.console.width // 2, overflow="ellipsis")
            self.say(name.plain)
            yield video

    def on_view(self, done: int, total: int) -> None:
        """Advance the bar of the current video."""
        self._progress.update(self._task, completed=done, total=total)

    def clear(self) -> None:
        """Remove the display from the terminal."""
        self._progress.stop()
