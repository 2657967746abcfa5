"""The videos of a run of any size, yielded while folders, stores and lists are read."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from vswin_cli.errors import UsageError
from vswin_cli.runs.content import is_video_name, videos_matching
from vswin_cli.runs.lists import is_list
from vswin_cli.runs.manifests import manifest_paths
from vswin_cli.runs.videos import (
    FolderWalk,
    Found,
    Selection,
    listed_videos,
    stated,
)
from vswin_cli.sources.addresses import is_address, local_path, without_credentials
from vswin_cli.sources.listing import is_folder_address
from vswin_cli.system.files import is_root


def each_video(
    paths: Sequence[str], selection: Selection, skipped: Counter[str]
) -> Iterator[Found]:
    """Yield the videos that `find_videos` finds, without listing all of them first.

    Eight bytes per name are kept in memory if lists or several paths could name a video twice, and
    nothing for a single folder. A missing path in a list becomes a video that fails.

    Args:
        paths: Folders, files, addresses, patterns in quotes, `@LIST`, or `-`.
        selection: Which files of folders to take.
        skipped: Gets the counts of files that are left out.

    Raises:
        UsageError: A path does not exist, or a list cannot be read.
        VideoError: A folder of a store cannot be listed.
    """
    is_one_folder = len(paths) == 1 and not is_list(paths[0])
    if is_one_folder:
        yield from _videos_of(paths[0], "", selection, skipped)
        return
    seen = set[bytes]()
    for given in paths:
        for video in _given(given, selection, skipped):
            key = blake2b(os.fsencode(video.place), digest_size=8).digest()
            if key not in seen:
                seen.add(key)
                yield video


def _given(given: str, selection: Selection, skipped: Counter[str]) -> Iterator[Found]:
    if not is_list(given):
        yield from _videos_of(given, given, selection, skipped)
        return
    name = "standard input" if given == "-" else given[1:]
    for listed in manifest_paths(given):
        path = local_path(listed) or listed
        if is_address(path):
            is_folder = is_folder_address(path)
        else:
            is_folder = not is_video_name(path) and os.path.isdir(path)  # noqa: PTH112
        if not is_folder:
            yield _single(path)
            continue
        if not selection.folders_in_lists or is_root(path):
            raise UsageError(
                f"{name} names a folder, {without_credentials(path)}; use --folders-in-lists to "
                "search it, or leave it out"
            )
        yield from _videos_of(path, path, selection, skipped)


def _videos_of(
    given: str, prefix: str, selection: Selection, skipped: Counter[str]
) -> Iterator[Found]:
    """Yield the videos of a folder, a pattern, a file or an address.

    Raises:
        UsageError: The path does not exist.
        VideoError: The folder cannot be listed.
    """
    path = local_path(given) or given
    if is_folder_address(path):
        yield from listed_videos(path, prefix, selection, skipped)
    elif is_address(path) or os.path.isfile(path):  # noqa: PTH113
        yield _single(path)
    elif os.path.isdir(path):  # noqa: PTH112
        yield from FolderWalk(path, prefix, selection, skipped).each()
    elif os.path.lexists(path):
        yield stated(path, path)
    elif matches := list(filter(selection.takes, videos_matching(path))):
        yield from (stated(match, match, is_named=False) for match in matches)
    else:
        raise UsageError(f"no file or folder {path}; check the path")


def _single(path: str) -> Found:
    if is_address(path):
        return Found(without_credentials(path), path)
    return stated(path, path)
