"""What a format is: its name, its extension, and what writes it."""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Format:
    """A form that results are written in.

    Attributes:
        name: What `--format` calls it.
        writer: `module:name` of what writes it, imported when it is asked for.
        extension: That files of it end in; None is for people to read, not for files.
        reader: `module:name` of what opens such a file again, if anything does.
        is_text: Whether it is written into a text stream, not a binary one.
        is_folder: Whether it is written into a folder, whose path the writer gets for a stream.
        takes_features: Whether a record may bring `embedding`, an array, where it was computed.
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
    is_folder: bool = False
    takes_features: bool = False
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
