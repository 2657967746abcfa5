"""The lock of an output: one run at a time writes to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from vswin_cli.errors import OutputError, UsageError
from vswin_cli.system.files import file_lock


def lock_path(output: Path) -> Path:
    """Name the lock of an output; links to one file share it."""
    real = Path(os.path.realpath(output))
    return real.with_name(f".{real.name}.lock")


@contextmanager
def locked_output(output: Path) -> Iterator[None]:
    """Keep other runs off an output; the system ends the lock with the process.

    Raises:
        UsageError: Another run holds it.
        OutputError: The folder cannot be written to.
    """
    try:
        held = file_lock(lock_path(output)).acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"another run writes to {output}; wait for it, or choose another --output"
        ) from None
    except OSError as exc:
        raise OutputError(
            f"cannot write to {lock_path(output).parent}: {exc.strerror}; choose another --output"
        ) from exc
    with held:
        yield
