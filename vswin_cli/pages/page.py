"""Makes self-contained pages from one skeleton, style and script, and those of a page's folder.

The content of a page is JSON in a script element that is not executed, with every `<` escaped; the
scripts write it with `textContent`, so names and labels are always text. A content security policy
allows only these scripts, by their digest, and only addresses of local videos next to the page.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import count
from pathlib import Path

from vswin_cli.errors import OutputError
from vswin_cli.system.files import open_regular, replacing
from vswin_cli.system.terminal import printable

# Browsers open larger pages slowly, and from 512 MB on as empty: that is the longest string.
MAX_CONTENT_BYTES = 64_000_000
_LONGEST_TEXT = 500  # characters, so that no item fills a page

_START = b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta name="generator" content="vswin">'


@dataclass(frozen=True)
class Part:
    """The content of one page.

    Attributes:
        content: A JSON value; `content` in the scripts. Its `about` is the head of the page: pairs
            of a term and a text.
        items: Values of `content.items`, each encoded by `encoded`; read once, one at a time.
    """

    content: Mapping[str, object]
    items: Iterable[str] = field(default=())


def encoded(value: object) -> str:
    """Encode a value as ASCII JSON that cannot end the surrounding HTML element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def shown(value: object) -> str:
    """Make a text that fits on a page; anything else is empty."""
    if not isinstance(value, str):
        return ""
    text = printable(value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def page_pieces(name: str, part: Part) -> Iterator[str]:
    """Make the HTML of a page.

    Args:
        name: Name of its folder here, also in the title; its `page.js` runs after other scripts.
        part: The content.
    """
    before, after = _frame(name)
    yield f'{before}{encoded(dict(part.content))[:-1]},"items":['
    for number, item in enumerate(part.items):
        yield f",{item}" if number else item
    yield f"]}}{after}"


def write_page(path: Path, name: str, part: Part) -> None:
    """Write a page completely or not at all; see `write_pages`."""
    write_pages(path, name, [part])


def write_pages(path: Path, name: str, parts: Iterable[Part]) -> None:
    """Write one page, or several that belong together: `page.html`, `page.2.html` and so on.

    They get their names when all are written; additional pages of a larger earlier set are removed.

    Raises:
        OutputError: They cannot be written, or another file has one of these names.
    """
    number = 0
    with told(path), ExitStack() as stack:  # the first one names the others, and is moved last
        for number, part in enumerate(parts, start=1):
            target = part_path(path, number)
            if target.exists() and not (target.is_file() and (number == 1 or _is_page(target))):
                what = "is not a page of vswin" if target.is_file() else "is not a file"
                raise OutputError(f"{target} {what}; choose another place")
            temporary = stack.enter_context(replacing(target))
            with temporary.open("w", encoding="utf-8") as stream:
                stream.writelines(page_pieces(name, part))
    with told(path):
        for left in count(number + 1):
            if not _is_page(part_path(path, left)):
                break
            part_path(path, left).unlink()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn a system error about writing a page into a message for the user.

    Raises:
        OutputError: The page cannot be written.
    """
    try:
        yield
    except OSError as exc:
        raise OutputError(f"cannot write {path}: {exc.strerror}; choose another place") from exc


def part_path(path: Path, number: int) -> Path:
    """Name one of several pages, counted from 1."""
    return path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")


def cut(sizes: Sequence[int], max_bytes: int = MAX_CONTENT_BYTES) -> list[range]:
    """Divide items into consecutive parts that fit on a page each; at least one part.

    Args:
        sizes: Bytes of each item.
        max_bytes: Size limit of a page; a larger item gets a separate page.
    """
    runs, start, total = [], 0, 0
    for number, size in enumerate(sizes):
        if total + size > max_bytes and number > start:
            runs.append(range(start, number))
            start, total = number, 0
        total += size
    return [*runs, range(start, len(sizes))]


def _is_page(path: Path) -> bool:
    with suppress(OSError), open_regular(path) as file:
        return file.read(len(_START)) == _START
    return False


@cache
def _frame(name: str) -> tuple[str, str]:
    """Make the HTML before and after the content of a page."""
    common = files(__package__)
    folder = common / name
    scripts = sorted(file.name for file in folder.iterdir() if file.name.endswith(".js"))
    scripts.sort(key="page.js".__eq__)
    style, script = (
        "".join(file.read_text(encoding="utf-8") for file in parts)
        for parts in (
            [common / "page.css", folder / "page.css"],
            [common / "page.js", *(folder / script for script in scripts)],
        )
    )
    parts = {
        "NAME": name,
        "STYLE": style,
        "STYLE_SHA256": _sha256(style),
        "BODY": (folder / "page.html").read_text(encoding="utf-8"),
        "CONTENT": "\0",
        "SCRIPT": script,
        "SCRIPT_SHA256": _sha256(script),
    }
    # Text and names alternate.
    pieces = (common / "page.html").read_text(encoding="utf-8").split("%%")
    page = "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))
    before, _, after = page.partition("\0")
    return before, after


def _sha256(text: str) -> str:
    """Compute the digest of an element's text, in the form of a content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
