"""A format: its name, its extension, and its writer."""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Format:
    """A format in which results are written.

    Attributes:
        name: Name, for `--format`.
        writer: `module:name` of the writer, which is imported on demand.
        extension: Extension of its files; None if it is for people to read.
        reader: `module:name` of the function that reads such a file, if there is one.
        is_text: Whether the stream is a text stream, not a binary one.
        is_folder: Whether the output is a folder; the writer gets its path in place of a stream.
        takes_features: Whether records may have `embedding`, an array.
        library: Library that must be installed.
        extra: Extra that installs it.
        holds_one: Whether each file contains the record of one video.
        grows: Whether a record may be written in parts, as they become known.
    """

    name: str
    writer: str
    extension: str | None = None
    reader: str | None = None
    is_text: bool = True
    is_folder: bool = False
    takes_features: bool = False
    library: str | None = None
    extra: str | None = None
    holds_one: bool = False
    grows: bool = False

    def load_writer(self) -> Any:  # noqa: ANN401 - each has its arguments
        """Import the writer."""
        return resolve_name(self.writer)

    def load_reader(self) -> Any:  # noqa: ANN401 - as `load_writer`
        """Import the reader."""
        assert self.reader is not None
        return resolve_name(self.reader)
