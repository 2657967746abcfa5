"""Which videos a page may show: only those in folders that the user has named.

Records may come from a stranger, and can name any file of this machine.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from vswin_cli.results import TimeSpan
from vswin_cli.runs.records import Record
from vswin_cli.system.files import relative_path


class VideoFolders:
    """The folders that the user allows; links are followed before this is checked.

    Args:
        folders: Folders of videos; names in records are relative to them.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [os.path.realpath(folder) for folder in folders]

    def find(self, record: Record) -> str | None:
        """Find the real path of a record's video: at its recorded path, or by name in a folder."""
        name = self.find_name(record)
        return None if name is None else os.path.realpath(name)

    def find_name(self, record: Record) -> str | None:
        """Do the same as `find`, but return a link itself; only its target must be allowed."""
        candidates = (os.path.join(folder, record["video"]) for folder in self._folders)  # noqa: PTH118 - of any string
        for candidate in (record["path"], *candidates):
            try:
                path = os.path.realpath(candidate)
                if self._has(path) and os.path.isfile(path):  # noqa: PTH113
                    return str(candidate)
            except (OSError, ValueError):  # not a valid file name
                continue
        return None

    def _has(self, path: str) -> bool:
        return any(path.startswith(os.path.join(folder, "")) for folder in self._folders)  # noqa: PTH118


def segment_of(record: Record) -> TimeSpan | None:
    """Return the part of the video that a record describes, if it is not the whole video."""
    match record.get("segment_seconds"):
        case [int() | float() as start, int() | float() as end]:
            return float(start), float(end)
    return None


def local_address(path: str, page: Path, segment: TimeSpan | None = None) -> str:
    """Make the address of a file relative to a page, so that both can be moved together.

    Args:
        path: Absolute path of the file.
        page: The page that shows it.
        segment: The part of the video to play (W3C Media Fragments URI 1.0, 4.2.1).
    """
    relative = relative_path(path, os.path.realpath(page.parent))
    fragment = f"#t={segment[0]:g},{segment[1]:g}" if segment else ""
    if os.path.isabs(relative):  # noqa: PTH117 - on another drive of Windows
        return Path(relative).as_uri() + fragment
    return quote(os.fsencode(relative.replace(os.sep, "/"))) + fragment
