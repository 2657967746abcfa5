"""Which files are there to label: folders walked in a fixed order, lists read, each file once."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from vswin_cli.errors import UsageError, VideoError
from vswin_cli.results import TimeSpan
from vswin_cli.runs.content import is_video_content, is_video_name
from vswin_cli.runs.lists import is_list, listed_paths
from vswin_cli.sources.addresses import (
    AddressError,
    is_address,
    local_path,
    without_credentials,
)
from vswin_cli.sources.listing import is_folder_address, listed_files

# What systems and programs keep next to videos, or have not finished: files and folders.
SHADOWS = (
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN",
    "System Volume Information", "__MACOSX", "._*", "*.part", "*.crdownload", "*.LRV",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A file to label, as it was when it was found."""

    video: str  # its name in the results: relative to the folder given, or without credentials
    path: str  # what opens it: a path, or an address with whatever secrets it holds
    num_bytes: int | None = None  # None where there is no regular file
    modified_ns: int | None = None  # nanoseconds since 1970
    error: VideoError | None = None  # known without opening it: a folder that cannot be listed
    segment: TimeSpan | None = None  # of the video, where that alone is meant
    is_named: bool = True  # by the user, or a list; not found in a folder

    @property
    def place(self) -> str:
        """Its absolute path, or its address without what may be secret."""
        if is_address(self.path):
            return without_credentials(self.path)
        return os.path.abspath(self.path)  # noqa: PTH100 - links keep names of their own

    @property
    def is_missing(self) -> bool:
        """Whether its path leads to nothing, as one of a list may."""
        return (
            self.num_bytes is None and not is_address(self.path) and not os.path.lexists(self.path)
        )


@dataclass(frozen=True)
class Selection:
    """What to take of a folder.

    Patterns are `fnmatch`'s, where `*` matches `/` too; one that matches the file's name, or its
    path relative to the folder, selects it.
    """

    recursive: bool = True
    include: tuple[str, ...] = ()  # none: everything
    exclude: tuple[str, ...] = ()
    folders_in_lists: bool = False

    def takes(self, relative: str) -> bool:
        """Whether the patterns let a path pass."""
        return (not self.include or _matches(relative, self.include)) and not self.leaves_out(
            relative
        )

    def leaves_out(self, relative: str) -> bool:
        """Whether a file or a whole folder is excluded."""
        return _matches(relative, self.exclude)

    def shadow(self, relative: str) -> str | None:
        """Which pattern of shadow files a path matches, unless it is included as what it is."""
        name = relative.rpartition("/")[2]
        for pattern in SHADOWS:
            if fnmatchcase(name.lower(), pattern.lower()):
                is_wanted = self.include and _matches(relative, self.include)
                return None if is_wanted else pattern
        return None


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    name = relative.rpartition("/")[2]
    trimmed = [pattern.rstrip("/") for pattern in patterns]
    return any(fnmatchcase(relative, p) or fnmatchcase(name, p) for p in trimmed)


def find_videos(
    paths: Sequence[str],
    selection: Selection,
    is_own: Callable[[str], bool] = lambda path: False,
    skipped: Counter[str] | None = None,
) -> list[Found]:
    """Find the files to label, in the order of the paths, and of the names within a folder.

    One folder alone: names are relative to it. Several paths: each name starts with its path as
    given, so that no two files share one.

    Args:
        paths: Folders, files, addresses, `-` for a list on standard input, `@FILE` for one in a
            file.
        selection: What to take of the folders; files that are named are taken as they are.
        is_own: Tells the files that the run writes, which are left out.
        skipped: Counts what is left out as one of `SHADOWS`, by its pattern.

    Raises:
        UsageError: A path is not there, a list cannot be read, or addresses cannot be told apart.
    """
    named = _given(paths, selection)
    skipped = Counter() if skipped is None else skipped
    found: dict[str, Found] = {}
    for path in named:
        if is_folder_address(path):
            prefix = "" if len(named) == 1 else path
            for video in listed_videos(path, prefix, selection, skipped):
                found.setdefault(video.place, video)
            continue
        if is_address(path):
            _add_address(found, path)
            continue
        videos = []
        is_folder = os.path.isdir(path)  # noqa: PTH112 - as given
        if is_folder:
            videos = FolderWalk(path, "" if len(named) == 1 else path, selection, skipped).files()
        if not is_folder or (not videos and is_video_name(path)):
            videos = [stated(path, path)]
        for video in videos:
            if not is_own(video.place):
                found.setdefault(video.place, video)
    return list(found.values())


def listed_videos(
    address: str, prefix: str, selection: Selection, skipped: Counter[str]
) -> Iterator[Found]:
    """Yield the videos of an address of `listed_files` while it is listed, told by their names.

    Raises:
        VideoError: It cannot be listed.
    """
    prefix = without_credentials(prefix[: prefix.rfind("/") + 1])
    try:
        for listed in listed_files(address):
            if (pattern := selection.shadow(listed.relative)) is not None:
                skipped[pattern] += 1
                continue
            is_within = selection.recursive or "/" not in listed.relative
            if is_within and is_video_name(listed.relative) and selection.takes(listed.relative):
                name, size, modified_ns = listed.relative, listed.num_bytes, listed.modified_ns
                yield Found(prefix + name, listed.address, size, modified_ns, is_named=False)
    except AddressError as exc:
        where = without_credentials(address)
        raise VideoError(f"cannot list {where}: {exc}", kind=exc.kind) from None


def _add_address(found: dict[str, Found], address: str) -> None:
    """Add a video at an address; its name is what may be told of it.

    Raises:
        UsageError: Another one has that name.
    """
    video = Found(without_credentials(address), address)
    if found.setdefault(video.place, video).path != address:
        raise UsageError(
            f"two addresses differ only in their secrets, {video.video}; label them in "
            "separate runs"
        )


def _given(paths: Sequence[str], selection: Selection) -> list[str]:
    """The paths that the arguments stand for.

    Raises:
        UsageError: One is not there, or a list names a folder that is not to be walked.
    """
    found = []
    for given in paths:
        if not is_list(given):
            given = local_path(given) or given  # noqa: PLW2901 - file:///… is a path
            if not is_address(given) and not os.path.lexists(given):
                raise UsageError(f"no file or folder {given}; check the path")
            found.append(given)
            continue
        for path in listed_paths(given):
            name = "standard input" if given == "-" else given[1:]
            path = local_path(path) or path  # noqa: PLW2901
            if is_address(path):
                found.append(path)
                continue
            if os.path.realpath(path) == os.sep:
                raise UsageError(f"{name} names {path}, the root of the file system; leave it out")
            if os.path.isdir(path) and not selection.folders_in_lists and not is_video_name(path):  # noqa: PTH112
                raise UsageError(
                    f"{name} names a folder, {path}; give --folders-in-lists if its videos are "
                    "meant, or leave it out"
                )
            found.append(path)
    return found


@dataclass
class FolderWalk:
    """One folder given, and how far into it to go.

    Each folder is walked once: under its own name, else by the first link that leads there.
    """

    folder: str
    prefix: str  # of the names
    selection: Selection
    skipped: Counter[str]
    _walked: set[tuple[int, int]] = field(default_factory=set)  # folders: device and inode
    _links: list[tuple[str, str]] = field(default_factory=list)  # to folders: path, relative path

    def files(self) -> list[Found]:
        """Return what is to be labelled, by name."""
        return sorted(self.each(), key=lambda video: os.fsencode(video.video).split(b"/"))

    def each(self) -> Iterator[Found]:
        """Yield what is to be labelled while folders are read; what links lead to is last."""
        yield from self._files_in(self.folder, "")
        while self._links:
            yield from self._behind(*self._links.pop(0))

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
            error = VideoError(
                f"cannot list {folder}: {exc.strerror}; check its permissions", kind=kind
            )
            yield Found(self._name(relative) or folder, folder, error=error)
            return
        for entry in entries:
            inner = f"{relative}/{entry.name}" if relative else entry.name
            if (pattern := self.selection.shadow(inner)) is not None:
                self.skipped[pattern] += 1
                continue
            if entry.name.startswith(".") or self.selection.leaves_out(inner):
                continue
            if _is_folder(entry):
                if entry.is_symlink() and self.selection.recursive:
                    self._links.append((entry.path, inner))
                else:
                    yield from self._folder(entry.path, inner, enter=self.selection.recursive)
            elif self.selection.takes(inner) and (
                is_video_name(entry.name) or is_video_content(entry.path)
            ):
                yield stated(self._name(inner), entry.path, is_named=False)

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


def stated(video: str, path: str, *, is_named: bool = True) -> Found:
    """Note a file's size and time, where it is one; what is wrong with it shows when it is read."""
    try:
        status = os.stat(path)  # noqa: PTH116 - keeps the path as given
    except (OSError, ValueError):
        return Found(video, path)
    if not stat.S_ISREG(status.st_mode):
        return Found(video, path)
    return Found(video, path, status.st_size, status.st_mtime_ns, is_named=is_named)
