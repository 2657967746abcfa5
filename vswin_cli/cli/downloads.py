"""Several downloads at the same time, and their display on stderr."""

import contextlib
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from vswin_cli.cli.bars import progress_on_terminal
from vswin_cli.cli.messages import print_above
from vswin_cli.errors import VswinError
from vswin_cli.weights.cache import WeightsFile
from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.watch import DownloadWatcher

# How long Ctrl-C waits for downloads to stop by themselves. They may be interrupted anywhere.
STOP_SECONDS = 0.3


def fetch_all(
    targets: Sequence[WeightsFile],
    fetching: Fetching,
    *,
    num_jobs: int = 1,
    brief: bool = False,
    quiet: bool = False,
) -> dict[WeightsFile, VswinError | None]:
    """Fetch files; one that fails does not stop the others.

    Args:
        targets: Files, without repetitions.
        fetching: Options of the download.
        num_jobs: Downloads at the same time.
        brief: Print the start of downloads and errors, but not results.
        quiet: Print nothing.

    Returns:
        For each file in the given order: None if it is in the cache, otherwise the error.
    """
    todo: SimpleQueue[WeightsFile] = SimpleQueue()
    for target in targets:
        todo.put(target)
    done: SimpleQueue[tuple[WeightsFile, BaseException | None]] = SimpleQueue()
    stopped = threading.Event()

    def work(display: _Display) -> None:
        while not stopped.is_set():
            try:
                target = todo.get_nowait()
            except Empty:
                return
            try:
                display.fetch(target, fetching, stopped)
                done.put((target, None))
            except BaseException as exc:  # raised in the main thread
                done.put((target, exc))

    # Daemons, because a thread that waits for a silent server cannot be stopped.
    with _Display(brief, quiet) as display:
        threads = [
            threading.Thread(target=work, args=[display], daemon=True)
            for _ in range(min(num_jobs, len(targets)))
        ]
        outcomes: dict[WeightsFile, BaseException | None] = {}
        try:
            for thread in threads:
                thread.start()
            while len(outcomes) < len(targets):
                target, error = done.get()
                if error is not None and not isinstance(error, VswinError):
                    raise error
                outcomes[target] = error
        except (KeyboardInterrupt, SystemExit):  # SystemExit by SIGTERM or SIGHUP
            if display.has_advanced:
                display.print("the downloaded part is kept for the next try")
            raise
        finally:
            stopped.set()
            deadline = time.monotonic() + STOP_SECONDS
            for thread in threads:
                if thread.ident is not None:  # it was started
                    thread.join(max(0.0, deadline - time.monotonic()))
    return {target: outcomes[target] for target in targets}  # type: ignore[misc]  # checked above


class _Display:
    """A bar for each download on a terminal, a line for each event elsewhere."""

    def __init__(self, brief: bool, quiet: bool) -> None:
        self._brief = brief
        self._quiet = quiet
        self.has_advanced = False  # whether anything was downloaded
        self._progress = progress_on_terminal(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            quiet=quiet,
            expand=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def fetch(self, target: WeightsFile, fetching: Fetching, stopped: threading.Event) -> None:
        watcher = _Line(self, self._progress, target, stopped)
        fetched = fetch(target, fetching, watcher)
        if self._brief:
            return
        if fetched is None:
            self.print(f"{target.title}: already downloaded")
            return
        self.print(
            f"{target.title}: downloaded in {fetched.download_seconds:.1f} s, verified "
            f"{'and converted ' * target.is_converted}in {fetched.verification_seconds:.1f} s"
        )

    def print(self, text: str) -> None:
        """Print one line above the bars; an unwritable stderr must not stop a download."""
        if not self._quiet:
            with contextlib.suppress(OSError):
                print_above(self._progress, text)


class _Line(DownloadWatcher):
    """The bar of one download."""

    def __init__(
        self, display: _Display, progress: Progress, target: WeightsFile, stopped: threading.Event
    ) -> None:
        super().__init__(stopped)
        self._display = display
        self._progress = progress
        self._target = target
        self._task = progress.add_task(target.title, total=None, visible=False)
        self._announced = False

    def starts(self, num_bytes: int, total_bytes: int | None) -> None:
        self.check()
        self._progress.reset(self._task, total=total_bytes, visible=True, completed=num_bytes)
        self._progress.start()  # without a bar, each refresh would be an empty line
        if not self._announced:
            self._announced = True
            size = f" ({total_bytes / 1e6:.0f} MB)" if total_bytes is not None else ""
            rest = f", continuing at {num_bytes / 1e6:.0f} MB" if num_bytes else ""
            self.says(f"downloading {self._target.published.name}{size}{rest}")

    def advances(self, num_bytes: int) -> None:
        self._display.has_advanced = True
        self._progress.update(self._task, completed=num_bytes)

    def says(self, text: str) -> None:
        self._display.print(f"{self._target.title}: {text}")
