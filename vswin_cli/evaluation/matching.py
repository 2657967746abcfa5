"""Joins rows, labels and files; rows that do not match are kept with the reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.label_names import LabelNames
from vswin_cli.evaluation.rows import NoMatchError, Row
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.formats.csv_rows import CsvRows
from vswin_cli.results import TimeSpan
from vswin_cli.runs.videos import Found
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.system.files import open_regular
from vswin_cli.system.terminal import printable

# The kinds of rows that do not match, and their description for the user.
KINDS = {
    "no_file": "no such file",
    "no_label": "no such label",
    "repeated": "file of an earlier row",
    "malformed": "row not understood",
}


@dataclass(frozen=True)
class Unmatched:
    """A row that is not evaluated, and why."""

    place: int  # line or item of the annotations, from 1
    video: str
    label: str
    kind: str  # of `KINDS`
    message: str


@dataclass(frozen=True)
class Matched:
    """The videos to evaluate."""

    found: list[Found]  # each file once, in the order of the rows
    truth: dict[str, int]  # class index by the name of the video
    unmatched: list[Unmatched]

    @property
    def num_rows(self) -> int:
        """Number of rows in the annotations."""
        return len(self.found) + len(self.unmatched)

    def kinds(self) -> Counter[str]:
        """Number of rows that do not match, by kind."""
        return Counter(row.kind for row in self.unmatched)


def match(rows: Sequence[Row], labels: LabelNames, files: VideoFiles) -> Matched:
    """Find the label and the file of every row.

    Raises:
        UsageError: Two addresses differ only in their secrets.
    """
    matched = Matched([], {}, [])
    first: dict[tuple[str, TimeSpan | None], tuple[Row, int]] = {}  # by place and segment
    for row in rows:
        try:
            found, index = _found(row, labels, files)
            found = replace(found, is_named=True)  # by the row
            place = found.path if is_address(found.path) else found.place
            other, other_index = first.setdefault((place, found.segment), (row, index))
            if other is not row:
                same = "the same" if other_index == index else "another"
                reason = f"row {other.place} has this file, with {same} label"
                raise NoMatchError("repeated", reason)  # noqa: TRY301
        except NoMatchError as exc:
            label = "" if row.label is None else str(row.label)
            video = without_credentials(row.video)
            matched.unmatched.append(Unmatched(row.place, video, label, exc.kind, str(exc)))
        else:
            if found.video in matched.truth and is_address(found.path):
                raise UsageError(
                    f"two addresses differ only in their secrets, {found.video}; evaluate "
                    "them in separate runs"
                )
            matched.found.append(found)
            matched.truth[found.video] = index
    return matched


def _found(row: Row, labels: LabelNames, files: VideoFiles) -> tuple[Found, int]:
    """Find the file of a row and the index of its class.

    Raises:
        NoMatchError: One of them is missing.
    """
    if row.problem is not None:
        raise NoMatchError("malformed", row.problem)
    if row.label is None:
        raise NoMatchError("no_label", "the row has no label")
    index = labels.index(row.label)
    return files.find(row), index


_HEADER = ("row", "video", "label", "kind", "message")


def is_unmatched_list(path: Path) -> bool:
    """Whether `write_unmatched` wrote a file, by its first line."""
    header = f"{','.join(_HEADER)}\n".encode()
    try:
        with open_regular(path) as stream:
            return stream.read(len(header)) == header
    except OSError:
        return False


def write_unmatched(stream: TextIO, unmatched: Iterable[Unmatched]) -> None:
    """Write the rows that do not match as CSV."""
    rows = CsvRows(stream)
    rows.write(_HEADER)
    for row in unmatched:
        rows.write([row.place, row.video, row.label, row.kind, printable(row.message)])
