"""Files: open regular files only, replace files atomically and durably, lock and share them."""

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
    SPLITS_NAMES,
    SYNCED_AS,
    is_mine,
    lock,
    open_descriptor,
    replace,
    sync_folder,
    write_at,
)

if TYPE_CHECKING:
    from filelock import FileLock

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}  # some network file systems


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read; refuse anything else without waiting.

    Opening a pipe waits for a writer, and a device may never end.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """
    # Checked first, because opening a device may have an effect.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    descriptor = open_descriptor(path, os.O_RDONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # replaced in between
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a file", str(path))
    return os.fdopen(descriptor, "rb")


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, in constant memory."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_small(path: Path, max_bytes: int) -> bytes:
    """Read a small file.

    Raises:
        OSError: The file cannot be opened, is not a regular file, or is larger than `max_bytes`.
    """
    with open_regular(path) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"more than {max_bytes:,} bytes", str(path))
    return content


def open_fresh(path: Path) -> FileIO:
    """Create a file to read and write, and replace an existing one; no link is followed.

    Raises:
        OSError: The file cannot be created.
    """
    path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    return FileIO(open_descriptor(path, flags, follow_links=False), "r+")


def open_own(path: Path) -> FileIO:
    """Open a file of this user for reading and writing, or create it.

    Others who can write to the folder could have put a link there, or keep the file open.

    Raises:
        OSError: The file can be neither opened nor created.
    """
    with contextlib.suppress(OSError):
        file = FileIO(open_descriptor(path, os.O_RDWR, follow_links=False), "r+")
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and is_mine(status) and status.st_nlink == 1:
            return file
        file.close()
    return open_fresh(path)


def open_alone(path: Path) -> FileIO:
    """Open or create a file and lock it; if it is replaced meanwhile, lock the new one.

    Raises:
        BlockingIOError: Another process has locked it.
        OSError: The file cannot be opened.
    """
    while True:
        file = FileIO(open_descriptor(path, os.O_RDWR | os.O_CREAT), "r+b")
        try:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a file")  # noqa: TRY301
            _lock(file)
            if is_at(path, file.fileno()):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def share(path: Path) -> None:
    """Give everyone the rights to a file or folder that they have to its parent folder.

    In a shared cache, the umask of the first user would lock out the others.
    """
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    with contextlib.suppress(PermissionError):  # it belongs to another user, who may have shared it
        path.chmod(mode if path.is_dir() else 0o600 | (mode & 0o044))


def file_lock(path: Path) -> "FileLock":
    """Make a lock on a file; `acquire(blocking=False)` shows whether it is held.

    The lock is a system lock (flock), which ends with its process. The file stays: if it was
    removed, two processes could lock two files with the same name. Users of a shared folder use the
    same file, so all may open it.
    """
    from filelock import FileLock  # noqa: PLC0415 - slow to import, and rarely needed

    return FileLock(path, mode=0o666)


def temporary_path(path: Path) -> Path:
    """Name the temporary file that is written first and then replaces another."""
    return path.with_name(f".{path.name}.tmp")


def path_inside(name: str) -> PurePosixPath:
    """Turn a path or an address into a relative path without upward steps."""
    parts = [part for part in re.split(SPLITS_NAMES, name) if part not in ("", ".", "..")]
    return PurePosixPath(*parts) if parts else PurePosixPath("film")


def is_root(path: str) -> bool:
    """Whether a path leads to the root of a file system."""
    real = os.path.realpath(path)
    return os.path.dirname(real) == real  # noqa: PTH120 - of any string


def relative_path(path: str, folder: str) -> str:
    """Make a path relative to a folder; on Windows, one on another drive stays as it is."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return path


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
    """Lend a temporary file that replaces a path, complete and on disk, if the block succeeds.

    Args:
        path: Path to replace, even if it is a link; the mode of an existing file is kept.
        overwrite: Replace an existing file.
        temporary: The temporary file, in the same folder. `temporary_path` is for paths that only
            one process at a time writes; the next process replaces leftovers.

    Raises:
        FileExistsError: A file exists that may not be replaced.
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
    """Lend a temporary folder whose files replace those in another one if the block succeeds.

    Args:
        folder: Target folder, created if missing; other files in it stay.

    Raises:
        OSError: The files cannot be written.
    """
    temporary = temporary_path(folder)
    shutil.rmtree(temporary, ignore_errors=True)  # from a killed process
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
        OSError: The bytes are not written; a part that fitted on a full disk is removed again.
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
    """Flush the content of a file to the disk."""
    with path.open(SYNCED_AS) as file:
        os.fsync(file.fileno())


def _lock(file: FileIO) -> None:
    try:
        lock(file.fileno())
    except OSError as exc:
        if exc.errno not in _NO_LOCKS:
            raise


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            os.link(temporary, path)  # the only step that fails if the target exists
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise FileExistsError(path) from None
        else:
            return
    replace(temporary, path)
