"""Which files to label: search folders in a fixed order, read lists, take each file once."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from vswin_cli.errors import UsageError, VideoError
from vswin_cli.results import TimeSpan
from vswin_cli.runs.content import is_video_content, is_video_name, videos_matching
from vswin_cli.runs.lists import is_list, listed_paths
from vswin_cli.sources.addresses import (
    AddressError,
    is_address,
    local_path,
    without_credentials,
)
from vswin_cli.sources.listing import is_folder_address, listed_files
from vswin_cli.system.files import is_root

# Files and folders that systems and programs keep next to videos, or have not finished.
SHADOWS = (
    "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN",
    "System Volume Information", "__MACOSX", "._*", "*.part", "*.crdownload", "*.LRV",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A file to label, in the state in which it was found."""

    video: str  # its name in results: relative to the given folder, or without credentials
    path: str  # for opening it: a path, or an address with its secrets
    num_bytes: int | None = None  # None if it is not a regular file
    modified_ns: int | None = None  # nanoseconds since 1970
    error: VideoError | None = None  # known without opening the file: a folder cannot be listed
    segment: TimeSpan | None = None  # a part of the video, if only that is meant
    is_named: bool = True  # by the user or a list, not found in a folder

    @property
    def place(self) -> str:
        """Its absolute path, or its address without secrets."""
        if is_address(self.path):
            return without_credentials(self.path)
        return os.path.abspath(self.path)  # noqa: PTH100 - links keep their names

    @property
    def is_missing(self) -> bool:
        """Whether its path does not exist, which can happen in a list."""
        return (
            self.num_bytes is None and not is_address(self.path) and not os.path.lexists(self.path)
        )


@dataclass(frozen=True)
class Selection:
    """Which files of a folder to take.

    Patterns are those of `fnmatch`, where `*` also matches `/`. A pattern selects a file if it
    matches the name of the file or its path relative to the folder.
    """

    recursive: bool = True
    include: tuple[str, ...] = ()  # empty: everything
    exclude: tuple[str, ...] = ()
    folders_in_lists: bool = False

    def takes(self, relative: str) -> bool:
        """Whether the patterns select a path."""
        return (not self.include or _matches(relative, self.include)) and not self.leaves_out(
            relative
        )

    def leaves_out(self, relative: str) -> bool:
        """Whether a file or folder is excluded."""
        return _matches(relative, self.exclude)

    def shadow(self, relative: str) -> str | None:
        """The pattern of `SHADOWS` that a path matches, unless the path is included explicitly."""
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
    """Find the files to label, in the order of the paths, and by name within a folder.

    With a single folder, names are relative to it. With several paths, each name starts with its
    path as given, so that all names differ.

    Args:
        paths: Folders, patterns, files, addresses, and lists: `-`, or `@FILE`.
        selection: Which files of folders to take; named files are always taken.
        is_own: Whether a file is written by the run, so that it is left out.
        skipped: Gets the counts of files that match a pattern of `SHADOWS`, by pattern.

    Raises:
        UsageError: A path does not exist, a list cannot be read, or two addresses have one name.
        VideoError: An address cannot be listed.
    """
    named = _given(paths, selection)
    skipped = Counter() if skipped is None else skipped
    found: dict[str, Found] = {}
    for path in named:
        prefix = "" if len(named) == 1 else path
        if is_folder_address(path):
            for video in listed_videos(path, prefix, selection, skipped):
                found.setdefault(video.place, video)
            continue
        if is_address(path):
            _add_address(found, path)
            continue
        is_folder = os.path.isdir(path)  # noqa: PTH112 - as given
        videos = FolderWalk(path, prefix, selection, skipped).files() if is_folder else []
        if not is_folder or (not videos and is_video_name(path)):
            videos = [stated(path, path)]
        for video in videos:
            if not is_own(video.place):
                found.setdefault(video.place, video)
    return list(found.values())


def listed_videos(
    address: str, prefix: str, selection: Selection, skipped: Counter[str]
) -> Iterator[Found]:
    """Yield the videos at an address of `listed_files` while listing it; names decide.

    Raises:
        VideoError: The address cannot be listed.
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
    """Add a video at an address; its name is the address without secrets.

    Raises:
        UsageError: Another video has this name.
    """
    video = Found(without_credentials(address), address)
    if found.setdefault(video.place, video).path != address:
        raise UsageError(
            f"two addresses differ only in their secrets, {video.video}; label them in "
            "separate runs"
        )


def _given(paths: Sequence[str], selection: Selection) -> list[str]:
    """The paths that the arguments name, directly or by lists.

    Raises:
        UsageError: A path does not exist, or a list names a folder that must not be searched.
    """
    found = []
    for given in paths:
        if not is_list(given):
            given = local_path(given) or given  # noqa: PLW2901 - file:///… is a path
            if is_address(given) or os.path.lexists(given):
                found.append(given)
            elif matches := list(filter(selection.takes, videos_matching(given))):
                found += matches
            else:
                raise UsageError(f"no file or folder {given}; check the path")
            continue
        for path in listed_paths(given):
            name = "standard input" if given == "-" else given[1:]
            path = local_path(path) or path  # noqa: PLW2901
            if is_address(path):
                found.append(path)
                continue
            if is_root(path):
                raise UsageError(f"{name} names {path}, the root of the file system; leave it out")
            if os.path.isdir(path) and not selection.folders_in_lists and not is_video_name(path):  # noqa: PTH112
                raise UsageError(
                    f"{name} names a folder, {path}; use --folders-in-lists to search it, "
                    "or leave it out"
                )
            found.append(path)
    return found


@dataclass
class FolderWalk:
    """The search of one given folder.

    Each folder is searched once: under its real name, or by the first link that leads there.
    """

    folder: str
    prefix: str  # prefix of the names
    selection: Selection
    skipped: Counter[str]
    _walked: set[tuple[int, int]] = field(default_factory=set)  # folders: device and inode
    _links: list[tuple[str, str]] = field(default_factory=list)  # to folders: path, relative path

    def files(self) -> list[Found]:
        """Return the files to label, by name."""
        return sorted(self.each(), key=lambda video: os.fsencode(video.video).split(b"/"))

    def each(self) -> Iterator[Found]:
        """Yield the files to label while folders are read; targets of links come last."""
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
        """Yield the files behind a link, but not those in folders around the given one."""
        leads_up = Path(os.path.realpath(self.folder)).is_relative_to(os.path.realpath(link))
        yield from self._folder(link, relative, enter=not leads_up)

    def _folder(self, path: str, relative: str, *, enter: bool) -> Iterator[Found]:
        num_found = 0
        if enter:
            for found in self._files_in(path, relative):
                num_found += 1
                yield found
        if not num_found and is_video_name(path) and self.selection.takes(relative):
            yield stated(self._name(relative), path)  # it looks like a video: report that it is not

    def _name(self, relative: str) -> str:
        return os.path.join(self.prefix, relative) if self.prefix else relative  # noqa: PTH118


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def stated(video: str, path: str, *, is_named: bool = True) -> Found:
    """Note the size and time of a file, if it is one; problems are reported when it is read."""
    try:
        status = os.stat(path)  # noqa: PTH116 - keeps the path as given
    except (OSError, ValueError):
        return Found(video, path)
    if not stat.S_ISREG(status.st_mode):
        return Found(video, path)
    return Found(video, path, status.st_size, status.st_mtime_ns, is_named=is_named)
