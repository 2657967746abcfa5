"""Text files of users: lists of paths, annotations, class names, model files."""

import codecs
import os
from pathlib import Path

from vswin_cli.system.files import read_small

MAX_BYTES = 200_000_000
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, max_bytes: int = MAX_BYTES, errors: str = "strict") -> str:
    """Read a text file written by an editor or spreadsheet of any system.

    Args:
        path: Path of the file.
        max_bytes: Largest allowed size.
        errors: As for `bytes.decode`; `surrogateescape` for file names that may not be UTF-8.

    Raises:
        OSError: It cannot be opened, is not a regular file, or is larger.
        ValueError: It is not text.
    """
    return decoded(read_small(path, max_bytes), errors)


def decoded(content: bytes, errors: str = "strict") -> str:
    """Decode UTF-8, with or without a byte order mark, or UTF-16 with one; lines end in a newline.

    Raises:
        ValueError: It is not text.
    """
    is_utf16 = content.startswith(UTF16_MARKS)
    try:
        text = content.decode("utf-16") if is_utf16 else content.decode("utf-8-sig", errors)
    except UnicodeDecodeError as exc:
        raise ValueError("not UTF-8 text") from exc
    if "\0" in text:
        raise ValueError("not UTF-8 text")
    text = text.replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")  # by spreadsheets on a Mac


def utf8(text: str) -> str:
    """Make text valid UTF-8; other bytes of a file name become a backslash, x and digits."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
