"""Label sets: class names in index order, one per line.

Lists with names cut at commas or respelled are in wide circulation, so each file is checked against
its known length and digest before use.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vswin_cli.errors import UsageError, VswinError
from vswin_cli.system.text import read_text

_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class LabelSet:
    """A label file in this folder, with its required content; or the labels of a custom model."""

    name: str
    num_classes: int
    sha256: str
    names: tuple[str, ...] | None = None  # None: those of the file


def custom_label_set(names: tuple[str, ...]) -> LabelSet:
    """Make the label set of a custom model."""
    import hashlib  # noqa: PLC0415 - no `--help` needs it

    sha256 = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return LabelSet("custom", len(names), sha256, names)


KINETICS400 = LabelSet(
    "kinetics400", 400, "e9f2806fe9109b851a80a74841244f6f8c9d10917fa0229cd82bab67f2f8e28f"
)
KINETICS600 = LabelSet(
    "kinetics600", 600, "8dfca4202520ea8291ce0242ef33b006d0a0772b409663c090a2876bc1978dcf"
)
KINETICS700 = LabelSet(
    "kinetics700", 700, "2f265d35aa76060219f7e83aff12f5aaba9d1fe27360aa83f11aad7a3648fc51"
)
KINETICS710 = LabelSet(  # the classes of all three, as MMAction2 numbers them
    "kinetics710", 710, "a853307b4880565c2abf199b593baf8a7bc24a10a0875cac6569d1f70f041c5c"
)
MOTION = LabelSet("motion", 9, "64b6fd2decf86d68371636196b5995ec6d85a4e3a96f7d3a61e4d550e9e1d5f7")
SOMETHING_SOMETHING_V2 = LabelSet(
    "something_something_v2",
    174,
    "c9c5a86ece619e1ab2e7ca0614c85377a534873e17108b13243e5d22089a0a85",
)

LABEL_SETS = {
    label_set.name: label_set
    for label_set in (
        KINETICS400,
        KINETICS600,
        KINETICS700,
        KINETICS710,
        SOMETHING_SOMETHING_V2,
        MOTION,
    )
}


@cache
def read_labels(label_set: LabelSet) -> tuple[str, ...]:
    """Read the class names; the position is the class index.

    Raises:
        VswinError: The installed file is not the published list.
    """
    if label_set.names is not None:
        return label_set.names
    import hashlib  # noqa: PLC0415

    content = Path(__file__).with_name(f"{label_set.name}.txt").read_bytes()
    labels = tuple(content.decode().splitlines())
    if hashlib.sha256(content).hexdigest() != label_set.sha256 or not (
        len(labels) == len(set(labels)) == label_set.num_classes
    ):
        raise VswinError(
            f"the label file {label_set.name}.txt of this installation was changed; reinstall vswin"
        )
    return labels


def read_label_file(path: Path) -> tuple[str, ...]:
    """Read the class names of a custom model from a text file; the line number is the class.

    Raises:
        UsageError: The file cannot be read, or is not a list of distinct names.
    """
    try:
        text = read_text(path)
    except (OSError, ValueError) as exc:
        reason = (getattr(exc, "strerror", None) or str(exc)).lower()
        raise UsageError(f"cannot read labels {path}: {reason}") from exc
    lines = text.replace("\r", "\n").rstrip("\n").split("\n")
    names = tuple(line.strip() for line in lines)
    if fault := what_is_wrong(names):
        raise UsageError(f"labels {path}: {fault}")
    return names


def what_is_wrong(names: Sequence[str]) -> str | None:
    """Return why these cannot be class names: one is empty, repeated or not a single line."""
    lines: dict[str, int] = {}
    for line, name in enumerate(names, start=1):
        if not name.strip():
            return f"name {line} is empty"
        if any(unicodedata.category(character) in _CONTROLS for character in name):
            return f"name {line} has a tab, a line break or another control character in it"
        if name in lines:
            return f"names {lines[name]} and {line} are both {name!r}"
        lines[name] = line
    return None if lines else "there is no name"
