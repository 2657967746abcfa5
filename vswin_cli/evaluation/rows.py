"""A row of annotations in any format."""

from dataclasses import dataclass
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.results import TimeSpan
from vswin_cli.runs.content import is_video_content
from vswin_cli.system.text import read_text

_TOO_MANY_DIGITS = 19
SPLIT_NAMES = {  # as written in annotations, in lower case
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "validate": "validation", "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of annotations."""

    place: int  # line or item, from 1
    video: str  # its path or ID, as written
    label: str | int | None  # name or index of a class; None if the row has none
    path: str | None = None  # relative to the folder of videos, or absolute
    stems: tuple[str, ...] = ()  # names without extension that its file may have, the best first
    segment: TimeSpan | None = None  # of the file of `path`, or that has the last of `stems`
    split: str = ""  # as written
    group: str = ""  # as written: the name of a scene, a subject or a source
    problem: str | None = None  # why the row cannot be understood


class NoMatchError(ValueError):
    """A row cannot be evaluated.

    Args:
        kind: The kind, one of `matching.KINDS`.
        message: The reason.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def read_rows(path: Path) -> str:
    """Read a file of annotations; bytes that are not UTF-8 are kept.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        return read_text(path, errors="surrogateescape").replace("\r", "\n")
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise UsageError(f"cannot read the annotations {path}: {reason}; check the path") from exc
    except ValueError as exc:
        if is_video_content(str(path)):
            raise UsageError(f"{path} is a video; give a list of videos and classes") from exc
        raise UsageError(f"cannot read the annotations {path}: {exc}; save it as UTF-8") from exc


def label_of(text: str, *, is_index: bool) -> str | int | None:
    """Parse the label of a row: a name, or an index if the rows have indices.

    A number with too many digits for an index is a name, which no class has.
    """
    text = text.strip()
    if not text:
        return None
    return int(text) if is_index and len(text) < _TOO_MANY_DIGITS else text
