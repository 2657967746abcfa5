"""Makes pages that need nothing else: one skeleton, style and script, and a folder's in them.

What a page shows is JSON in a script element that is not executed, with every `<` escaped; the
page's scripts write it with `textContent`, so that names and labels are text, whatever they hold.
A content security policy allows these scripts alone, by their digest, and no address but that of
local videos next to the page.
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

# Browsers open larger ones slowly, and from 512 MB on as an empty page: no string may be longer.
MAX_CONTENT_BYTES = 64_000_000

_START = b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta name="generator" content="vswin">'


@dataclass(frozen=True)
class Part:
    """What one page shows.

    Attributes:
        content: What JSON can say; `content` in the scripts. Its `about`, pairs of a term and a
            text, is the page's head.
        items: More of it, `content.items`, each by `encoded`; read once, one at a time.
    """

    content: Mapping[str, object]
    items: Iterable[str] = field(default=())


def encoded(value: object) -> str:
    """JSON, in ASCII, that cannot end the element it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def shortened(text: str, length: int = 500) -> str:
    """Cut what nobody would read to the end, so that no item fills a page."""
    return text if len(text) <= length else text[: length - 1] + "…"


def page_pieces(name: str, part: Part) -> Iterator[str]:
    """Make the HTML of a page.

    Args:
        name: Of its folder here, and in its title; its `page.js` runs after its other scripts.
        part: What it shows.
    """
    before, after = _frame(name)
    yield f'{before}{encoded(dict(part.content))[:-1]},"items":['
    for number, item in enumerate(part.items):
        yield f",{item}" if number else item
    yield f"]}}{after}"


def write_page(path: Path, name: str, part: Part) -> None:
    """Write a page, whole or not at all; see `write_pages`."""
    write_pages(path, name, [part])


def write_pages(path: Path, name: str, parts: Iterable[Part]) -> None:
    """Write one page, or several that belong together: `page.html`, `page.2.html` and so on.

    They take their places when all are written; what is left of an earlier set that was larger is
    removed.

    Raises:
        OutputError: They cannot be written, or something else has one of these names.
    """
    number = 0
    with told(path), ExitStack() as stack:  # the first, which names the others, is moved last
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
    """Turn what the system says about writing a page into the user's line.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        yield
    except OSError as exc:
        raise OutputError(f"cannot write {path}: {exc.strerror}; choose another place") from exc


def part_path(path: Path, number: int) -> Path:
    """Name a page of several, from 1."""
    return path if number == 1 else path.with_name(f"{path.stem}.{number}{path.suffix}")


def cut(sizes: Sequence[int], max_bytes: int = MAX_CONTENT_BYTES) -> list[range]:
    """Cut items into runs that fit on a page each; at least one.

    Args:
        sizes: Bytes of each item.
        max_bytes: Of a page; an item that is larger has one to itself.
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
    """The HTML before and after what a page shows."""
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
    # Text and names in turn.
    pieces = (common / "page.html").read_text(encoding="utf-8").split("%%")
    page = "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))
    before, _, after = page.partition("\0")
    return before, after


def _sha256(text: str) -> str:
    """The digest of an element's text, as a content security policy spells it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
