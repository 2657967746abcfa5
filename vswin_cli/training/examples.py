"""The examples to train on: rows of annotations with their files, labels, splits and groups."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vswin_cli.errors import UsageError
from vswin_cli.evaluation.matching import Unmatched
from vswin_cli.evaluation.rows import SPLIT_NAMES, NoMatchError, Row
from vswin_cli.evaluation.video_files import VideoFiles
from vswin_cli.results import TimeSpan
from vswin_cli.runs.videos import Found
from vswin_cli.sources.addresses import is_address, without_credentials
from vswin_cli.zoo.labels import what_is_wrong

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
LEFT_OUT = "left out"  # in `split.csv`, of a clip in no split
_NUMBERED = re.compile(r"(?:class )?(\d+)")  # a class in annotations, or its label in a model


@dataclass(frozen=True)
class Example:
    """A clip with its labels."""

    found: Found
    labels: tuple[int, ...]  # class indices; a single one unless videos have several
    split: str = ""  # one of `SPLITS`, or empty if it is not given
    group: str = ""  # name of its scene, subject or source


@dataclass(frozen=True)
class Examples:
    """All examples in the annotations."""

    examples: list[Example]
    labels: tuple[str, ...]  # class names in index order
    unmatched: list[Unmatched] = field(default_factory=list)

    def counts(self, split: str) -> Counter[int]:
        """Number of clips per class in a split."""
        return Counter(
            label for each in self.examples if each.split == split for label in each.labels
        )

    def of(self, split: str) -> list[Example]:
        """The examples of a split."""
        return [each for each in self.examples if each.split == split]


def join(rows: Sequence[Row], files: VideoFiles, *, multi_label: bool) -> Examples:
    """Find the file and the classes of every row; the classes are the sorted names in the rows.

    Rows whose split is `LEFT_OUT` are ignored.

    Args:
        rows: Rows of annotations.
        files: The videos.
        multi_label: Whether a label may be several names, separated by `|` or `;`, and the labels
            of all rows of a file are combined.

    Raises:
        UsageError: There are fewer than two classes, a class has an invalid name, or two addresses
            differ only in their secrets.
    """
    rows = [row for row in rows if row.split.lower() != LEFT_OUT]
    names = _class_names(rows, multi_label=multi_label)
    if not names:
        why = next((f": {row.video}: {row.problem}" for row in rows if row.problem), "")
        raise UsageError(f"no row of the annotations names a class{why}; give each video one")
    index = {name: number for number, name in enumerate(names)}
    shown = names
    if all(name.isdecimal() for name in names):
        shown = tuple(f"class {name}" for name in names)
    if fault := what_is_wrong(shown):
        raise UsageError(f"the annotations have invalid labels: {fault}; correct them")
    if len(names) < (1 if multi_label else 2):
        raise UsageError(f"the annotations name {len(names)} class; a model needs two or more")
    unmatched: list[Unmatched] = []
    examples: dict[tuple[str, TimeSpan | None], Example] = {}
    first: dict[tuple[str, TimeSpan | None], Row] = {}
    for row in rows:
        try:
            example = _example(row, index, files, multi_label=multi_label)
            found = example.found
            key = (found.path if is_address(found.path) else found.place, found.segment)
            if key in examples:
                if not multi_label:
                    reason = f"row {first[key].place} has this file"
                    if example.labels != examples[key].labels:
                        reason += f" and another label, {first[key].label}, which counts"
                    raise NoMatchError("repeated", reason)  # noqa: TRY301
                labels = tuple(sorted({*examples[key].labels, *example.labels}))
                examples[key] = replace(examples[key], labels=labels)
            else:
                examples[key], first[key] = example, row
        except NoMatchError as exc:
            label = "" if row.label is None else str(row.label)
            video = without_credentials(row.video)
            unmatched.append(Unmatched(row.place, video, label, exc.kind, str(exc)))
    videos = Counter(each.found.video for each in examples.values())
    for video, count in videos.items():
        if count > 1:
            raise UsageError(
                f"{count} addresses differ only in their secrets, {video}; save these videos as "
                "files with other names"
            )
    return Examples(list(examples.values()), shown, unmatched)


def _names_of(row: Row, *, multi_label: bool) -> list[str]:
    text = "" if row.label is None else str(row.label)
    parts = text.replace(";", "|").split("|") if multi_label else [text]
    return [part.strip() for part in parts if part.strip()]


def _class_names(rows: Sequence[Row], *, multi_label: bool) -> tuple[str, ...]:
    names = {
        name for row in rows if not row.problem for name in _names_of(row, multi_label=multi_label)
    }
    numbers = {name: int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))}
    if len(numbers) == len(names):
        return tuple(sorted(names, key=lambda name: (numbers[name], name)))
    return tuple(sorted(names))


def _example(row: Row, index: dict[str, int], files: VideoFiles, *, multi_label: bool) -> Example:
    if row.problem is not None:
        raise NoMatchError("malformed", row.problem)
    labels = tuple(sorted(index[name] for name in _names_of(row, multi_label=multi_label)))
    if not labels and not multi_label:
        raise NoMatchError("no_label", "the row has no label")
    split = SPLIT_NAMES.get(row.split.lower()) if row.split else ""
    if split is None:
        raise NoMatchError("malformed", f"split {row.split!r} must be one of {', '.join(SPLITS)}")
    return Example(replace(files.find(row), is_named=True), labels, split, row.group)
