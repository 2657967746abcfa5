"""Which files are there to label: folders walked in a fixed order, lists read, each file once."""

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from vswin_cli.errors import UsageError, VideoError
from vswin_cli.runs.content import is_video_content, is_video_name
from vswin_cli.system.files import read_small
from vswin_cli.system.text import MAX_BYTES, UTF16_MARKS, decoded


@dataclass(frozen=True)
class Found:
    """A file to label, as it was when it was found."""

    video: str  # its name in the results: relative to the folder given
    path: str  # what opens it
    num_bytes: int | None = None  # None where there is no regular file
    modified_ns: int | None = None  # nanoseconds since 1970
    error: VideoError | None = None  # known without opening it: a folder that cannot be listed


@dataclass(frozen=True)
class Selection:
    """What to take of a folder.

    Patterns are `fnmatch`'s, where `*` matches `/` too; one that matches the file's name, or its
    path relative to the folder, selects it.
    """

    recursive: bool = True
    include: tuple[str, ...] = ()  # none: everything
    exclude: tuple[str, ...] = ()

    def takes(self, relative: str) -> bool:
        """Whether the patterns let a path pass."""

        def matches(patterns: Sequence[str]) -> bool:
            name = relative.rpartition("/")[2]
            return any(fnmatchcase(relative, p) or fnmatchcase(name, p) for p in patterns)

        return (not self.include or matches(self.include)) and not matches(self.exclude)


def find_videos(
    paths: Sequence[str], selection: Selection, is_own: Callable[[str], bool] = lambda path: False
) -> list[Found]:
    """Find the files to label, in the order of the paths, and of the names within a folder.

    One folder alone: names are relative to it. Several paths: each name starts with its path as
    given, so that no two files share one.

    Args:
        paths: Folders, files, `-` for a list on standard input, `@FILE` for one in a file.
        selection: What to take of the folders; files that are named are taken as they are.
        is_own: Tells the run's own files, which are left out.

    Raises:
        UsageError: A list cannot be read.
    """
    named = [path for given in paths for path in _listed(given)]
    found: dict[str, Found] = {}
    for path in named:
        videos = []
        is_folder = os.path.isdir(path)  # noqa: PTH112 - as given
        if is_folder:
            videos = _Walk(path, "" if len(named) == 1 else path, selection).files()
        if not is_folder or (not videos and is_video_name(path)):
            videos = [stated(path, path)]
        for video in videos:
            absolute = os.path.abspath(video.path)  # noqa: PTH100 - links keep names of their own
            if not is_own(absolute):
                found.setdefault(absolute, video)
    return list(found.values())


def _listed(given: str) -> list[str]:
    """The paths that one argument stands for."""
    if given == "-":
        content, name = sys.stdin.buffer.read(), "standard input"
    elif given.startswith("@"):
        name = given[1:]
        try:
            content = read_small(Path(name), MAX_BYTES)
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise UsageError(
                f"cannot read the list {name}: {reason.lower()}; check its path"
            ) from exc
        if is_video_content(name):
            raise UsageError(f"{name} is a video, not a list of paths; leave the @ out")
    else:
        return [given]
    try:
        listed = _paths(content)
    except ValueError as exc:
        raise UsageError(f"cannot read the list {name}: {exc}") from exc
    if not listed:
        raise UsageError(f"no path in the list {name}")
    return listed


def _paths(content: bytes) -> list[str]:
    """Split a list: a path a line, or as `find -print0` writes it.

    Raises:
        ValueError: It is not text.
    """
    if b"\0" not in content or content.startswith(UTF16_MARKS):
        lines = decoded(content, "surrogateescape").split("\n")
        return [line for line in lines if line and (line[0] != "#" or os.path.lexists(line))]
    paths = [os.fsdecode(path) for path in content.split(b"\0") if path]
    if all(len(path) == 1 for path in paths):
        raise ValueError("it is UTF-16 without a mark; save it as UTF-8")
    return paths


@dataclass
class _Walk:
    """One folder given, and how far into it to go.

    Each folder is walked once: under its own name, else by the first link that leads there.
    """

    folder: str
    prefix: str  # of the names
    selection: Selection
    _walked: set[tuple[int, int]] = field(default_factory=set)  # folders: device and inode
    _links: list[tuple[str, str]] = field(default_factory=list)  # to folders: path, relative path

    def files(self) -> list[Found]:
        """Return what is to be labelled, by name."""
        found = list(self._files_in(self.folder, ""))
        while self._links:
            found += self._behind(*self._links.pop(0))
        return sorted(found, key=lambda video: os.fsencode(video.video).split(b"/"))

    def _files_in(self, folder: str, relative: str) -> Iterator[Found]:
        try:
            status = os.stat(folder)  # noqa: PTH116 - keeps the path as given
            if (status.st_dev, status.st_ino) in self._walked:
                return
            self._walked.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        except OSError as exc:
            kind = "permission" if isinstance(exc, PermissionError) else "unreadable"
            error = VideoError(f"cannot list {folder}: {exc.strerror}; check its rights", kind=kind)
            yield Found(self._name(relative) or folder, folder, error=error)
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            inner = f"{relative}/{entry.name}" if relative else entry.name
            if _is_folder(entry):
                if entry.is_symlink() and self.selection.recursive:
                    self._links.append((entry.path, inner))
                else:
                    yield from self._folder(entry.path, inner, enter=self.selection.recursive)
            elif self.selection.takes(inner) and (
                is_video_name(entry.name) or is_video_content(entry.path)
            ):
                yield stated(self._name(inner), entry.path)

    def _behind(self, link: str, relative: str) -> Iterator[Found]:
        """Yield the files behind a link, but not those around the folder given."""
        target = os.path.realpath(link)
        leads_up = os.path.commonpath((os.path.realpath(self.folder), target)) == target
        yield from self._folder(link, relative, enter=not leads_up)

    def _folder(self, path: str, relative: str, *, enter: bool) -> Iterator[Found]:
        num_found = 0
        if enter:
            for found in self._files_in(path, relative):
                num_found += 1
                yield found
        if not num_found and is_video_name(path) and self.selection.takes(relative):
            yield stated(self._name(relative), path)  # looks like a video: say that it is none

    def _name(self, relative: str) -> str:
        return os.path.join(self.prefix, relative) if self.prefix else relative  # noqa: PTH118


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def stated(video: str, path: str) -> Found:
    """Note a file's size and time, where it is one; what is wrong with it shows when it is read."""
    try:
        status = os.stat(path)  # noqa: PTH116 - keeps the path as given
    except (OSError, ValueError):
        return Found(video, path)
    if not stat.S_ISREG(status.st_mode):
        return Found(video, path)
    return Found(video, path, status.st_size, status.st_mtime_ns)
