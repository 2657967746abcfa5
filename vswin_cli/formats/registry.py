"""The formats of records: what `--format` names, and what the extension of an output says.

To add one, write a module with a `RecordWriter` and give it a line in `RECORD_FORMATS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from vswin_cli.errors import UsageError


@dataclass(frozen=True)
class Format:
    """A form that results are written in.

    Attributes:
        name: What `--format` calls it.
        writer: `module:name` of what writes it, imported when it is asked for.
        extension: That files of it end in; None is for people to read, not for files.
        reader: `module:name` of what opens such a file again, if anything does.
        is_text: Whether it is written into a text stream, not a binary one.
        library: What must be installed.
        extra: The extra that installs it.
        holds_one: Whether a file of it holds the record of one video.
        grows: Whether a record may be written bit by bit, as what it lists becomes known.
    """

    name: str
    writer: str
    extension: str | None = None
    reader: str | None = None
    is_text: bool = True
    library: str | None = None
    extra: str | None = None
    holds_one: bool = False
    grows: bool = False

    def load_writer(self) -> Any:  # noqa: ANN401 - each has its arguments
        """Import what writes it."""
        return resolve_name(self.writer)

    def load_reader(self) -> Any:  # noqa: ANN401 - as `load_writer`
        """Import what opens it."""
        assert self.reader is not None
        return resolve_name(self.reader)


TABLE = Format("table", "vswin_cli.formats.table_writer:TableWriter")
JSON_LINES = Format("jsonl", "vswin_cli.formats.json_writer:JsonLinesWriter", ".jsonl")
RECORD_FORMATS = (
    TABLE,
    Format("json", "vswin_cli.formats.json_writer:JsonWriter", ".json"),
    JSON_LINES,
    Format("csv", "vswin_cli.formats.csv_writer:CsvWriter", ".csv"),
    Format(
        "parquet",
        "vswin_cli.formats.parquet_writer:ParquetWriter",
        ".parquet",
        is_text=False,
        library="pyarrow",
        extra="parquet",
    ),
    # For other programs; an extension names the first that has it.
    Format("kinetics", "vswin_cli.formats.kinetics_writer:KineticsWriter", ".csv"),
    Format("label-studio", "vswin_cli.formats.label_studio_writer:LabelStudioWriter", ".json"),
)


def format_named(name: str) -> Format:
    """Find the format of records that `--format` names.

    Raises:
        UsageError: There is none, or a library is missing.
    """
    for each in RECORD_FORMATS:
        if each.name == name:
            _check_library(each, f"--format {name}", RECORD_FORMATS)
            return each
    raise UsageError(f"--format {name} is none of {', '.join(e.name for e in RECORD_FORMATS)}")


def extensions(formats: Sequence[Format]) -> str:
    """Say in words which extensions there are: `.npz or .parquet`."""
    known = list(dict.fromkeys(each.extension for each in formats if each.extension))
    return " or ".join(filter(None, [", ".join(known[:-1]), known[-1]]))


def format_of(path: Path, formats: Sequence[Format] = RECORD_FORMATS, option: str = "") -> Format:
    """Tell a file's format by its extension, and that it can be read and written here.

    Raises:
        UsageError: Its extension is none of theirs, or a library is missing.
    """
    named = f"{option} {path}".strip()
    suffix = path.suffix.lower()
    found = next((each for each in formats if each.extension == suffix), None)
    if found is None or not suffix:
        raise UsageError(f"{named} must end in {extensions(formats)}")
    _check_library(found, named, formats)
    return found


def _check_library(found: Format, named: str, formats: Sequence[Format]) -> None:
    if found.library and not find_spec(found.library):
        others = [each for each in formats if each.extension and each.library != found.library]
        raise UsageError(
            f"{named} needs {found.library}: run `pip install 'vswin[{found.extra}]'`, or name a "
            f"file that ends in {extensions(others)}"
        )
