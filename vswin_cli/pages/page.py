"""Makes a page that needs nothing else: one skeleton, style and script, and a folder's in them.

What a page shows is JSON in a script element that is not executed, with every `<` escaped; the
page's scripts write it with `textContent`, so that names and labels are text, whatever they hold.
A content security policy allows these scripts alone, by their digest.
"""

import base64
import hashlib
import json
from importlib.resources import files


def fill_page(name: str, content: object) -> str:
    """Make the HTML of a page.

    Args:
        name: Of its folder here, and in its title; its `page.js` runs after its other scripts.
        content: What JSON can say; `content` in the scripts.
    """
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
        "CONTENT": json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": script,
        "SCRIPT_SHA256": _sha256(script),
    }
    # Text and names in turn.
    pieces = (common / "page.html").read_text(encoding="utf-8").split("%%")
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _sha256(text: str) -> str:
    """The digest of an element's text, as a content security policy spells it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
