"""Files that a user, or a stranger, has named: opened only if they are files."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read; what is no file is refused, and never waited for.

    To open a pipe waits for someone who writes, and a device may never end.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """
    # Looked at first, since to open a device may already do something.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # replaced in between
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(descriptor, "rb")
