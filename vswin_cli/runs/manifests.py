"""Lists of any length, read as needed: a path per line, or a column of a table."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from vswin_cli.errors import UsageError, VideoError
from vswin_cli.runs.lists import (
    is_comment,
    is_separator,
    listed_paths,
    no_path,
    path_meant,
    refuse_ffconcat,
)
from vswin_cli.sources.source import open_source
from vswin_cli.system.extras import pip_command
from vswin_cli.system.text import UTF16_MARKS

_COLUMNS = ("path", "video", "file", "filename", "url", "uri")  # the first one found is used
_ROWS_PER_BATCH = 10_000
_LOOKED_AT_BYTES = 4096


def manifest_paths(given: str) -> Iterator[str]:
    """Yield the paths of a list while reading it.

    Args:
        given: `-` for standard input, or `@FILE`: a path or address of text with a path per line,
            or of a table, .csv or .parquet, with a column `path`.

    Raises:
        UsageError: The list cannot be read, or has no column of paths.
    """
    if given == "-":
        yield from listed_paths(given)
        return
    name = given[1:]
    suffix = PurePosixPath(name).suffix.lower()
    with _opened(name) as file:
        start = file.read(_LOOKED_AT_BYTES)
        file.seek(0)
        if suffix == ".parquet":
            yield from _parquet_paths(name, file)
        elif suffix == ".csv":
            with _text(file, start, newline="") as lines:
                yield from _csv_paths(name, lines)
        elif b"\0" in start or start.startswith(UTF16_MARKS):
            yield from listed_paths(given)
        else:
            with _text(file, start, newline="\n") as lines:
                yield from _text_paths(name, lines)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    try:
        with open_source(name) as source:
            yield source.file
    except VideoError as exc:
        reason = str(exc).removeprefix(f"cannot read {name}: ")
        raise UsageError(f"cannot read the list {name}: {reason}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"cannot read the list {name}: not UTF-8 text; save it as UTF-8") from exc


@contextmanager
def _text(file: BinaryIO, start: bytes, newline: str) -> Iterator[io.TextIOWrapper]:
    """Read a file as text, and leave it open."""
    buffered = io.BufferedReader(file, 1 << 20) if isinstance(file, io.RawIOBase) else None
    is_utf16 = start.startswith(UTF16_MARKS)
    encoding, errors = ("utf-16", "strict") if is_utf16 else ("utf-8-sig", "surrogateescape")
    lines = io.TextIOWrapper(buffered or file, encoding, errors, newline=newline)
    try:
        yield lines
    finally:
        lines.detach()
        if buffered is not None:
            buffered.detach()


def _text_paths(name: str, lines: io.TextIOWrapper) -> Iterator[str]:
    is_empty = True
    for number, line in enumerate(lines):
        text = line.rstrip("\r\n")
        if number == 0:
            refuse_ffconcat(name, text)
        if (number == 0 and is_separator(text)) or not text.strip() or is_comment(text):
            continue
        is_empty = False
        yield path_meant(text)
    if is_empty:
        raise no_path(name)


def _csv_paths(name: str, lines: io.TextIOWrapper) -> Iterator[str]:
    first = lines.readline()
    separator = ","
    if first.lower().startswith("sep="):  # as Excel writes it
        separator, first = first.strip()[4:5] or ",", lines.readline()
    elif first.count(";") > first.count(","):
        separator = ";"
    header = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=separator), [])]
    column = header.index(_path_column(name, header))
    try:
        for row in csv.reader(lines, delimiter=separator):
            if len(row) > column and row[column]:
                yield row[column]
    except csv.Error as exc:
        raise UsageError(f"cannot read the list {name}: {exc}; check its quotes") from exc


def _parquet_paths(name: str, file: BinaryIO) -> Iterator[str]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as exc:
        raise UsageError(
            f"{name} needs pyarrow: run `{pip_command('parquet')}`, or give a list of text"
        ) from exc
    try:
        table = pq.ParquetFile(pa.PythonFile(file, "r"))
        column = _path_column(name, table.schema_arrow.names)
        for batch in table.iter_batches(_ROWS_PER_BATCH, columns=[column]):
            yield from (path for path in batch.column(0).to_pylist() if path)
    except pa.ArrowException as exc:
        raise UsageError(f"cannot read the list {name}: {exc}; write it again") from exc


def _path_column(name: str, columns: list[str]) -> str:
    found = next((column for column in _COLUMNS if column in columns), None)
    if found is None:
        raise UsageError(
            f"the list {name} has no column of paths; call it path (seen: {', '.join(columns)})"
        )
    return found
