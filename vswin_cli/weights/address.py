"""The address to download a file from: the release page, or a mirror of it."""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from vswin_cli.errors import UsageError
from vswin_cli.sources.addresses import without_credentials
from vswin_cli.system.platform import path_in_address
from vswin_cli.zoo.models import PublishedFile

MIRROR_VARIABLE = "VSWIN_MIRROR"


def file_address(published: PublishedFile, mirror: str | None = None) -> str:
    """Name the address of a published file.

    Args:
        published: The file.
        mirror: Address of a folder with files under their published names, http(s): or file:.
            None is VSWIN_MIRROR if set, else the release page.

    Raises:
        UsageError: The address of the mirror has another form.
    """
    mirror = mirror or os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return published.url
    try:
        parts = urlsplit(mirror)
        usable = (
            bool(parts.hostname) and parts.port != 0 and not parts.fragment
            if parts.scheme in {"http", "https"}
            else parts.scheme == "file"
            and parts.netloc in {"", "localhost"}
            and parts.path.startswith("/")
            and not {"?", "#"} & set(mirror)  # in a path they are %3F and %23
        )
    except ValueError:  # a port that is not a number, an unbalanced bracket
        usable = False
    if not usable:
        raise UsageError(
            f"cannot use the mirror {without_credentials(mirror)}: give the address of a folder, "
            "like https://host/folder/ or file:///folder/"
        )
    folder = parts.path if parts.path.endswith("/") else parts.path + "/"
    return urlunsplit(parts._replace(path=folder + quote(published.name)))


def local_path(address: str) -> Path | None:
    """Return the path of a file: address; None for other addresses."""
    parts = urlsplit(address)
    return Path(path_in_address(unquote(parts.path))) if parts.scheme == "file" else None


def place_digest(address: str) -> str:
    """Return a digest that identifies an address and contains no secret.

    User name, password and query are left out: they can differ between signed addresses of a file.
    """
    return hashlib.sha256(without_credentials(address).encode()).hexdigest()
