"""The interface of a writer of records."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vswin_cli.errors import UsageError
from vswin_cli.formats.format import Format


class RecordWriter(ABC):
    """Writes each record at once; leaves its stream open.

    Args:
        stream: Text or binary, by the format's `is_text`; if `is_folder`, an existing folder with a
            temporary name.
        top_k: Labels per video, at most.
        note: A line for people after all records.
        more_columns: For tables: keys of the records in addition to the common ones.
    """

    def __init__(
        self,
        stream: IO[Any] | Path,
        *,
        top_k: int,
        note: str = "",
        more_columns: Sequence[str] = (),
    ) -> None:
        self.stream: Any = stream
        self.more_columns = more_columns
        self.top_k = top_k
        self.note = note

    @abstractmethod
    def write(self, record: dict[str, Any]) -> None:
        """Write the result of `to_dict`, and flush it."""

    def close(self) -> None:
        """Complete the output, even after an interrupted run."""
        if not isinstance(self.stream, Path):
            self.stream.flush()


@contextmanager
def open_writer(
    chosen: Format,
    stream: IO[Any] | Path,
    *,
    top_k: int,
    note: str = "",
    more_columns: Sequence[str] = (),
) -> Iterator[RecordWriter]:
    """Lend a writer on an open stream, a new file or in a folder, and complete the format.

    Names are written as bytes, so that names that are not UTF-8 survive.

    Raises:
        UsageError: A folder is needed, but the stream is not one.
        OSError: The file cannot be written.
    """
    if chosen.is_folder and not isinstance(stream, Path):
        raise UsageError(f"--format {chosen.name} writes a folder; set its path with --output")
    if isinstance(stream, Path) and not chosen.is_folder:
        options: dict[str, Any] = {"mode": "wb"}
        if chosen.is_text:
            options = {"mode": "w", "encoding": "utf-8", "newline": ""}
            options["errors"] = "surrogateescape"
        with (
            stream.open(**options) as opened,
            open_writer(
                chosen, opened, top_k=top_k, note=note, more_columns=more_columns
            ) as writer,
        ):
            yield writer
        return
    made: RecordWriter = chosen.load_writer()(
        stream, top_k=top_k, note=note, more_columns=more_columns
    )
    try:
        yield made
    finally:
        made.close()
