"""Sorting of videos into folders by label: what `vswin sort` plans and does."""

import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vswin_cli.api.report import records_of, records_source
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.pages.videos import VideoFolders
from vswin_cli.runs.records import Record, modified
from vswin_cli.runs.videos import stated
from vswin_cli.sources.addresses import is_address
from vswin_cli.system.files import replacing

Key = Literal["label", "probability"]
Deed = Literal["link", "copy", "move"]
_LONGEST_BYTES = 120  # longest name of a folder
_SAME_SECONDS = 2  # the resolution of times on FAT


@dataclass(frozen=True)
class Placed:
    """A video and its target path."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Sorting:
    """A plan for sorting.

    Attributes:
        placed: Videos in the order of the records, each with a different target.
        skipped: How many videos are left out, by reason.
    """

    placed: Sequence[Placed]
    skipped: Counter[str]

    @property
    def folders(self) -> Counter[str]:
        """How many videos each folder gets."""
        return Counter(each.target.parent.name for each in self.placed)


def plan_sorting(
    labels: Path,
    into: Path,
    *,
    by: Key = "label",
    min_probability: float = 0.0,
    videos: Sequence[Path] = (),
) -> Sorting:
    """Choose the target of each labelled video; no file is touched.

    Args:
        labels: Output of `vswin label`; its journal is read instead if it is next to it.
        into: Folder in which to create a folder per label.
        by: Sort by the best label, or by its probability in tenths.
        min_probability: Leave out labels that are less probable.
        videos: Folders whose videos may be sorted; empty is the folder of `labels`. Records may
            come from a stranger, so they do not decide which files are moved.

    Raises:
        UsageError: `labels` contains no records, or `into` is a file.
    """
    source = records_source(labels)
    if into.exists() and not into.is_dir():
        raise UsageError(f"--into {into} is a file; choose a folder")
    folders = VideoFolders(videos or [labels.parent])
    allowed = ", ".join(map(str, videos or [labels.parent]))
    placed: list[Placed] = []
    skipped, taken, names = Counter[str](), set[Path](), dict[str, str]()
    with records_of(source) as records:
        for record in records.records():
            video = folders.find_name(record)
            why = _why_not(record, min_probability) or _why_not_there(record, video, allowed)
            if why or video is None:
                skipped[why or ""] += 1
                continue
            folder = _tenth(record) if by == "probability" else _folder(record, names)
            target = _free(into / folder / Path(video).name, taken)
            taken.add(target)
            placed.append(Placed(Path(video), target))
    return Sorting(placed, skipped)


def carry_out(sorting: Sorting, deed: Deed) -> Iterator[tuple[Placed, str | None]]:
    """Link, copy or move each video; no file is replaced.

    Yields:
        Each video, with None if it is in place now, or with the reason why not.

    Raises:
        OutputError: A folder cannot be made.
    """
    moved: dict[str, Path] = {}
    for each in _files_before_links(sorting.placed) if deed == "move" else sorting.placed:
        try:
            each.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OutputError(f"cannot make {each.target.parent}: {exc.strerror}") from exc
        try:
            _put(each, deed, moved)
        except FileExistsError:
            yield each, f"{each.target} already exists"
        except OSError as exc:
            yield each, f"cannot {deed} it to {each.target}: {exc.strerror or exc}"
        else:
            yield each, None


def _files_before_links(placed: Sequence[Placed]) -> list[Placed]:
    """Order links directly after the file that they lead to, if that file is moved too."""
    reals = [os.path.realpath(each.source) for each in placed]
    files = {
        real: number
        for number, (real, each) in reversed(list(enumerate(zip(reals, placed, strict=True))))
        if not each.source.is_symlink()
    }
    keys = [
        (files.get(real, number), each.source.is_symlink(), number)
        for number, (real, each) in enumerate(zip(reals, placed, strict=True))
    ]
    return [placed[number] for _, _, number in sorted(keys)]


def _put(placed: Placed, deed: Deed, moved: dict[str, Path]) -> None:
    """Link, copy or move one video.

    Args:
        placed: The video.
        deed: What to do.
        moved: New paths of moved files by their old paths; gets this one.
    """
    source, target = placed.source.absolute(), placed.target
    if deed == "link":
        if target.is_symlink() and os.path.realpath(target) == os.path.realpath(source):
            return
        target.symlink_to(source)
    elif deed == "copy":
        if _is_copy(source, target):
            return
        with replacing(target, overwrite=False) as temporary:
            shutil.copy2(source, temporary)
    else:
        if os.path.lexists(target):
            raise FileExistsError(target)
        real = os.path.realpath(source)
        if source.is_symlink() or real in moved:  # or moved through a link to its folder
            # A relative link would lead elsewhere from the new place.
            target.symlink_to(moved.get(real, real))
            if source.is_symlink():
                source.unlink()
            return
        shutil.move(source, target)
        moved[real] = target.absolute()


def _is_copy(source: Path, target: Path) -> bool:
    """Whether the target is a copy by an earlier run: it has the same size and time."""
    if target.is_symlink() or not target.is_file():
        return False
    one, other = source.stat(), target.stat()
    times = one.st_mtime, other.st_mtime
    return one.st_size == other.st_size and abs(times[0] - times[1]) < _SAME_SECONDS


def _why_not(record: Record, min_probability: float) -> str | None:
    """Say why a video has no target; None if it has one."""
    if record["status"] != "ok":
        return str(record["status"])
    if not record["predictions"]:
        return "without a label"
    if record["predictions"][0]["probability"] < min_probability:
        return f"less probable than {min_probability:g}"
    return None


def _why_not_there(record: Record, video: str | None, allowed: str) -> str | None:
    """Say why a labelled video is left out; None if its file is unchanged."""
    path = record["path"]
    if is_address(path):
        return "at an address"
    if video is None:
        is_elsewhere = "\0" not in path and Path(path).is_file()
        where = f"not in {allowed}; give their folder with --videos"
        return where if is_elsewhere else "no longer there"
    found = stated(video, video)
    for now, then in ((found.num_bytes, record["bytes"]), (modified(found), record["modified"])):
        if then is not None and now != then:
            return "changed since they were labelled"
    return None


def _tenth(record: Record) -> str:
    return f"{min(int(record['predictions'][0]['probability'] * 10), 9) / 10:.1f}"


def _folder(record: Record, names: dict[str, str]) -> str:
    """Name the folder of a label; each label gets a different folder.

    Args:
        record: A record with a label.
        names: Names of the folders so far, by label; gets this one.
    """
    label = record["predictions"][0]["label"]
    if label not in names:
        name = free = folder_name(label)
        number = 1
        while free in names.values():
            number += 1
            free = f"{name}-{number}"
        names[label] = free
    return names[label]


def folder_name(label: str) -> str:
    """Turn a label, which may come from a stranger, into a safe folder name."""
    kept = (
        "_" if character in '/\\:*?"<>|' or unicodedata.category(character)[0] == "C" else character
        for character in label
    )
    name = "".join(kept).strip().strip(".")
    while len(name.encode()) > _LONGEST_BYTES:
        name = name[:-1]
    return name.strip() or "_"


def _free(target: Path, taken: set[Path]) -> Path:
    """Add a number to a target that another video has; files on disk are not considered."""
    free, number = target, 1
    while free in taken:
        number += 1
        free = target.with_name(f"{target.stem}-{number}{target.suffix}")
    return free
