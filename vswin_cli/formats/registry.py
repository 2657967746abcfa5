"""The formats of records, by their names and extensions.

To add one, put a file into `programs/`.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from vswin_cli.errors import UsageError
from vswin_cli.formats.format import Format
from vswin_cli.formats.programs import program_formats
from vswin_cli.system.extras import pip_command

__all__ = [
    "FILE_FORMATS",
    "JSON_LINES",
    "RECORD_FORMATS",
    "TABLE",
    "Format",
    "extensions",
    "format_named",
    "format_of",
]

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
    *program_formats(),  # an extension names the first that has it
)
FILE_FORMATS = tuple(each for each in RECORD_FORMATS if each.extension)


def format_named(name: str) -> Format:
    """Find the format of records that `--format` names.

    Raises:
        UsageError: There is none, or a library is missing.
    """
    for each in RECORD_FORMATS:
        if each.name == name:
            _check_library(each, f"--format {name}", RECORD_FORMATS)
            return each
    raise UsageError(f"--format {name} is not one of {', '.join(e.name for e in RECORD_FORMATS)}")


def extensions(formats: Sequence[Format]) -> str:
    """Say in words which extensions there are: `.npz or .parquet`."""
    known = list(dict.fromkeys(each.extension for each in formats if each.extension))
    return " or ".join(filter(None, [", ".join(known[:-1]), known[-1]]))


def format_of(path: Path, formats: Sequence[Format] = RECORD_FORMATS, option: str = "") -> Format:
    """Find a file's format by its extension, and check that its library is installed.

    Raises:
        UsageError: No format has its extension, or a library is missing.
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
            f"{named} needs {found.library}: run `{pip_command(found.extra)}`, or choose a "
            f"file that ends in {extensions(others)}"
        )
