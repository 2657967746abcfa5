"""Differences between Linux, macOS and Windows; no other module checks the system.

If a task has two implementations, each is a function, so that tests can also run the other one
where possible.
"""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:  # not needed to set up the streams of a process
    import socket

PASSES_DESCRIPTORS = sys.platform != "win32"  # to other processes, over sockets
REPLACES_OPEN_FILES = sys.platform != "win32"  # by renaming; otherwise, they are closed first
SEPARATORS = ("/",) if sys.platform != "win32" else ("/", "\\")  # between the parts of a path
SPLITS_NAMES = r"/|://" if sys.platform != "win32" else r"[/\\:]"  # pattern: in no file name
SYNCED_AS = "rb" if sys.platform != "win32" else "r+b"  # mode to open a file for syncing
ENDING_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGTERM,)  # from service managers
if sys.platform != "win32":
    ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

NOT_INHERITED = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # for the other end of a pipe
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_LOCKED_BYTE = (1 << 31) - 2  # beyond nearly all files; the last in Windows' C library
_REPLACING_SECONDS = (0.01, 0.05, 0.2, 0.5, 1.0)  # other programs may open a file for a moment
_positions = threading.Lock()


def open_descriptor(path: Path, flags: int, mode: int = 0o666, *, follow_links: bool = True) -> int:
    """Open a file as bytes; child processes do not inherit it, and a pipe does not block.

    Raises:
        OSError: It cannot be opened, or is a link that may not be followed.
    """
    if not follow_links:
        if not _NO_LINKS and path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        flags |= _NO_LINKS
    return os.open(path, flags | NOT_INHERITED | _BINARY | _NO_WAITING, mode)


def path_in_address(path: str, *, has_drives: bool = sys.platform == "win32") -> str:
    """Return the path that a `file:` address means: on Windows, `/C:/clips` is `C:/clips`."""
    return path[1:] if has_drives and path[2:3] == ":" else path


def read_at_by_seeking(descriptor: int, num_bytes: int, offset: int) -> bytes:
    """Read at an offset of an open file; its position does not change."""
    with _positions, _position_kept(descriptor):
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, num_bytes)


def write_at_by_seeking(descriptor: int, content: Any, offset: int) -> int:  # noqa: ANN401 - a buffer
    """Write at an offset of an open file, keeping its position; return the bytes written."""
    with _positions, _position_kept(descriptor):
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, content)


read_at: Callable[[int, int, int], bytes] = read_at_by_seeking
write_at: Callable[[int, Any, int], int] = write_at_by_seeking
if sys.platform != "win32":
    read_at, write_at = os.pread, os.pwrite


@contextmanager
def _position_kept(descriptor: int) -> Iterator[None]:
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        yield
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)


def lock(descriptor: int) -> None:
    """Lock an open file until it is closed by all processes that hold it.

    Raises:
        BlockingIOError: Another process holds the lock.
        OSError: The file system has no locks.
    """
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt  # noqa: PLC0415

        lock_byte(descriptor, lambda: msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1))


def lock_byte(descriptor: int, lock_here: Callable[[], None]) -> None:
    """Lock a file by one of its bytes, at the position that `lock_here` locks."""
    with _positions, _position_kept(descriptor):
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            lock_here()
        except PermissionError as exc:  # Windows raises this
            raise BlockingIOError(errno.EWOULDBLOCK, "locked") from exc


def replace(source: Path, target: Path) -> None:
    """Rename a file over another; on Windows, wait for processes that have the other one open.

    Raises:
        OSError: It cannot be renamed.
    """
    for seconds in _REPLACING_SECONDS if not REPLACES_OPEN_FILES else ():
        try:
            source.replace(target)
        except PermissionError:
            sleep(seconds)
        else:
            return
    source.replace(target)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, if the system and file system support it."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_broken_pipe(error: OSError) -> bool:
    """Whether nobody reads the pipe that was written to; Windows calls this a wrong argument."""
    is_windows = sys.platform == "win32"
    return isinstance(error, BrokenPipeError) or (
        is_windows and error.errno == errno.EINVAL and error.filename is None
    )


def is_mine(status: os.stat_result) -> bool:
    """Return whether this user owns a file, on systems where files have owners."""
    if sys.platform != "win32":
        return status.st_uid == os.geteuid()
    return True


def open_last(path: Path) -> int:
    """Open a file that nobody else will open: it disappears when it is no longer open or mapped."""
    if sys.platform != "win32":
        descriptor = os.open(path, os.O_RDWR | NOT_INHERITED)
        path.unlink()
        return descriptor
    return os.open(path, os.O_RDWR | NOT_INHERITED | os.O_BINARY | os.O_TEMPORARY)


def send_descriptor(connection: "socket.socket", message: bytes, descriptor: int) -> None:
    """Send a descriptor with a message, if `PASSES_DESCRIPTORS`."""
    if sys.platform != "win32":
        import socket  # noqa: PLC0415

        socket.send_fds(connection, [message], [descriptor])


def receive_descriptors(connection: "socket.socket") -> tuple[bytes, list[int]]:
    """Receive one waiting byte, and the descriptor that came with it, if any.

    Raises:
        OSError: Nothing is waiting.
    """
    if sys.platform != "win32":
        import socket  # noqa: PLC0415

        message, descriptors, _, _ = socket.recv_fds(connection, 1, 1, socket.MSG_DONTWAIT)
        return message, descriptors
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


def nameless_file() -> int:
    """Make a file for this process and processes that receive its descriptor."""
    if sys.platform == "linux":
        return os.memfd_create("vswin", os.MFD_CLOEXEC)
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextmanager
def name_of_open_file(file: IO[bytes]) -> Iterator[str]:
    """Provide a name for an open file that libraries do not mistake for a pattern or an address.

    Only on Linux does opening `/dev/fd/N` open the file again: on macOS, everyone who opens it
    shares one position.
    """
    if sys.platform == "linux":
        yield f"/dev/fd/{file.fileno()}"
    else:
        with copied(file) as name:
            yield name


@contextmanager
def copied(file: IO[bytes]) -> Iterator[str]:
    """Provide a copy of a file with a plain name while the context lasts."""
    import shutil  # noqa: PLC0415
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="vswin-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "video")
        file.seek(0)
        with copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        yield str(copy)


def begin_write_back(descriptor: int, start: int, num_bytes: int) -> None:
    """Let the system begin to write recent data to the disk, without waiting.

    Linux does this on `posix_fadvise`; other systems have no equivalent.
    """
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, start, num_bytes, os.POSIX_FADV_DONTNEED)


def allowed_processors() -> int:
    """Count the processors that this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_memory() -> int:
    """Return the memory of the machine in bytes."""
    if sys.platform != "win32":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    import ctypes  # noqa: PLC0415

    # MEMORYSTATUSEX: two 32-bit numbers, then seven 64-bit ones; the first of these is the total.
    status = (ctypes.c_uint64 * 8)(64)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status[1])


def limit_memory(num_bytes: int) -> None:
    """On Linux, let allocations fail beyond the current memory use plus this number of bytes."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        try:
            status = Path("/proc/self/status").read_text()
            used = int(status.partition("VmData:")[2].split()[0]) * 1024
            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            limit = used + num_bytes
            if most != resource.RLIM_INFINITY:
                limit = min(limit, most)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
        except (OSError, ValueError, IndexError):
            return


def away_from_terminal() -> dict[str, Any]:
    """Return arguments of `subprocess.Popen` that keep Ctrl-C from the new process."""
    if sys.platform != "win32":
        return {"process_group": 0}
    import subprocess  # noqa: PLC0415

    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


def end_with(parent: int) -> None:
    """On Linux, kill this process when its parent dies, even if a library blocks all threads.

    On other systems, the connection to the parent ends, which a running thread notices. On Windows,
    the Python of a virtual environment is a child of its launcher, so its parent says nothing.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415

        pr_set_pdeathsig = 1  # <linux/prctl.h>
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    if sys.platform != "win32" and os.getppid() != parent:  # it died earlier
        os._exit(0)


def how_it_ended(exit_code: int) -> str:
    """Describe the exit code of a process in words; negative codes are signals."""
    if exit_code >= 0:
        return f"exited with code {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:  # a signal without a name on this system
        return f"was ended by signal {-exit_code}"
