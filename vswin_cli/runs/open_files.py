"""Open files of a run: they are locked, and saved if their path is removed."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.files import open_alone
from vswin_cli.system.platform import read_at

_COPIED_BYTES = 1 << 20


@contextmanager
def all_checked(*checks: Callable[[], None]) -> Iterator[None]:
    """If one file of a run is lost, also check the others, which may be lost too.

    Args:
        checks: Checks of the files, such as `Journal.check`.

    Raises:
        OutputError: The errors of the block and the checks, in one line.
    """
    try:
        yield
    except OutputError as error:
        lines = [str(error)]
        for check in checks:
            try:
                check()
            except OutputError as other:
                lines.append(str(other))
        raise OutputError("; and ".join(dict.fromkeys(lines))) from error


def rescued(descriptor: int, num_bytes: int, path: Path) -> Path:
    """Copy an open file whose path is gone to a new file near that path; return its name.

    Raises:
        OutputError: The copy cannot be written anywhere.
    """
    last: OSError | None = None
    for folder in (lambda: path.parent, Path.cwd, tempfile.gettempdir):
        try:
            new, name = tempfile.mkstemp(path.suffix, f"{path.stem}.rescued-", folder())
            with os.fdopen(new, "wb") as copy:
                for start in range(0, num_bytes, _COPIED_BYTES):
                    length = min(_COPIED_BYTES, num_bytes - start)
                    copy.write(read_at(descriptor, length, start))
                copy.flush()
                os.fsync(new)
        except OSError as exc:
            last = exc
        else:
            return Path(name)
    raise OutputError(f"{path} was removed during the run, and cannot be saved: {last}")


def open_locked(path: Path) -> FileIO:
    """Open or create a file and lock it, as `open_alone` does.

    Raises:
        UsageError: Another run has locked it.
        OSError: The file cannot be opened.
    """
    try:
        return open_alone(path)
    except BlockingIOError:
        raise UsageError(
            f"another run writes to {path}; wait for it, or choose another --output"
        ) from None
