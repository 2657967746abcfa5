"""Files: opened only if they are files and no links, replaced whole, on disk, locked, shared."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vswin_cli.system.platform import (
    SYNCED_AS,
    is_mine,
    open_descriptor,
    replace,
    sync_folder,
    write_at,
)

if TYPE_CHECKING:
    from filelock import FileLock


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read; what is no file is refused, and never waited for.

    To open a pipe waits for someone who writes, and a device may never end.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """
    # Looked at first, since to open a device may already do something.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    descriptor = open_descriptor(path, os.O_RDONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # replaced in between
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(descriptor, "rb")


def file_sha256(path: Path) -> str:
    """Compute a file's SHA-256, in constant memory."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_small(path: Path, max_bytes: int) -> bytes:
    """Read a file that is small.

    Raises:
        OSError: It cannot be opened, is no regular file, or is larger.
    """
    with open_regular(path) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than {max_bytes:,} bytes", str(path))
    return content


def open_fresh(path: Path) -> FileIO:
    """Make a file to read and write, in place of what has its name; no link is followed.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    return FileIO(open_descriptor(path, flags, follow_links=False), "r+")


def open_own(path: Path) -> FileIO:
    """Open a file to read and write that this user has left, else make it.

    Others who may write into the folder could have put a link there, or keep the file open.

    Raises:
        OSError: It can be neither.
    """
    with contextlib.suppress(OSError):
        file = FileIO(open_descriptor(path, os.O_RDWR, follow_links=False), "r+")
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and is_mine(status) and status.st_nlink == 1:
            return file
        file.close()
    return open_fresh(path)


def share(path: Path) -> None:
    """Let all read a file, or use a folder, who may do so with the folder that it is in.

    In a cache that several users share, the umask of the first would lock out the others.
    """
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    with contextlib.suppress(PermissionError):  # another's, who may have done so
        path.chmod(mode if path.is_dir() else 0o600 | (mode & 0o044))


def file_lock(path: Path) -> "FileLock":
    """Make the lock that a file is; `acquire(blocking=False)` tells if it is held.

    The lock is the system's (flock), which ends with its process. Its file stays: to remove it
    would let two processes lock two files of one name. Users of a shared folder take turns with
    one file, so all may open it.
    """
    from filelock import FileLock  # noqa: PLC0415 - slow to import, and hardly anything locks

    return FileLock(path, mode=0o666)


def temporary_path(path: Path) -> Path:
    """Name the file that is written before it takes another's place."""
    return path.with_name(f".{path.name}.tmp")


def path_inside(name: str) -> PurePosixPath:
    """Make of a path or an address a path that leads nowhere but downwards."""
    parts = [part for part in re.split(r"/|://", name) if part not in ("", ".", "..")]
    return PurePosixPath(*parts) if parts else PurePosixPath("film")


def is_at(path: Path, descriptor: int) -> bool:
    """Whether a path names the file that a descriptor is open on."""
    try:
        there = path.stat()
    except OSError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


@contextmanager
def replacing(
    path: Path, *, overwrite: bool = True, temporary: Path | None = None
) -> Iterator[Path]:
    """Lend a file that takes the path's place, whole and on disk, if the block ends well.

    Args:
        path: Is replaced itself where it is a link; a file that was there passes its mode on.
        overwrite: Whether something may be there.
        temporary: What is lent, in the same folder. `temporary_path` is for paths that one process
            at a time writes to; what a killed one leaves there, the next replaces.

    Raises:
        FileExistsError: Something is there that may not be replaced.
        OSError: The file cannot be written.
    """
    temporary = temporary or temporary_path(path)
    open_fresh(temporary).close()
    try:
        yield temporary
        sync_file(temporary)
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & 0o7777)
        _move(temporary, path, overwrite=overwrite)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_in(folder: Path) -> Iterator[Path]:
    """Lend a folder whose files take their places in another, each whole, if the block ends well.

    Args:
        folder: Made where it is not there; what else is in it stays.

    Raises:
        OSError: They cannot be written.
    """
    temporary = temporary_path(folder)
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
    temporary.mkdir()
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            place = folder / file.relative_to(temporary)
            if file.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                sync_file(file)
                replace(file, place)
        folder.mkdir(exist_ok=True)
        sync_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_durably(descriptor: int, content: bytes, offset: int) -> None:
    """Write into an open file; the bytes are on disk when this returns.

    Raises:
        OSError: They are not; the part that a disk takes before it is full is cut off again.
    """
    num_bytes = os.fstat(descriptor).st_size
    rest = memoryview(content)
    try:
        while rest:
            num_written = write_at(descriptor, rest, offset)
            rest, offset = rest[num_written:], offset + num_written
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, num_bytes)
        raise


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk."""
    with path.open(SYNCED_AS) as file:
        os.fsync(file.fileno())


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            os.link(temporary, path)  # the one step that fails if something is there
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(path) from None
        else:
            return
    replace(temporary, path)
