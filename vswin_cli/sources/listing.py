"""The files in a folder of a store, yielded during listing, so that millions need no memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from vswin_cli.sources.addresses import AddressError, as_address_error, file_system, is_address

_MAGIC = re.compile(r"[*[]")  # a question mark begins a secret or a version
_BUCKETS = {"s3", "s3a"}


@dataclass(frozen=True)
class Listed:
    """A file of a store.

    Attributes:
        address: Address for opening it.
        relative: Path below the listed folder.
        num_bytes: Size, if the store reports it.
        modified_ns: Modification time in nanoseconds since 1970, if the store reports it.
    """

    address: str
    relative: str
    num_bytes: int | None
    modified_ns: int | None


def is_folder_address(address: str) -> bool:
    """Whether an address means the files below it: it ends in a slash, or is a pattern.

    Web addresses have no folders, and paths are not addresses.
    """
    if not is_address(address) or re.match(r"https?:", address, re.IGNORECASE):
        return False
    return address.endswith("/") or _MAGIC.search(address) is not None


def listed_files(address: str) -> Iterator[Listed]:
    """Yield the files below a folder, or those that match a pattern, in the order of the store.

    Args:
        address: `s3://bucket/clips/`, or `s3://bucket/clips/*.mp4`, where `*` matches `/` too.

    Raises:
        AddressError: The address cannot be listed.
    """
    magic = _MAGIC.search(address)
    folder = address[: magic.start()] if magic else address
    folder = folder[: folder.rindex("/") + 1]
    try:
        system, root = file_system(folder)
        for path, info in _entries(system, root.rstrip("/")):
            relative = path[len(root.rstrip("/")) :].lstrip("/")
            if magic is None or fnmatchcase(folder + relative, address):
                yield Listed(folder + relative, relative, info.get("size"), _modified_ns(info))
    except AddressError:
        raise
    except Exception as exc:
        raise as_address_error(exc) from None


def _entries(system: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401
    """Yield path and properties of every file below a folder."""
    if _BUCKETS & set(_protocols(system)):  # one request per thousand names, for any folders
        bucket, _, prefix = root.partition("/")
        more: dict[str, str] = {}
        while True:
            page = system.call_s3(
                "list_objects_v2", Bucket=bucket, Prefix=f"{prefix}/" if prefix else "", **more
            )
            for entry in page.get("Contents", ()):
                if not entry["Key"].endswith("/"):
                    info = {"size": entry["Size"], "LastModified": entry["LastModified"]}
                    yield f"{bucket}/{entry['Key']}", info
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}
    for _, _, files in system.walk(root, detail=True, on_error="raise"):
        for info in sorted(files.values(), key=lambda info: str(info["name"])):
            yield str(info["name"]), info


def _protocols(system: Any) -> tuple[str, ...]:  # noqa: ANN401
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _modified_ns(info: dict[str, Any]) -> int | None:
    moment = info.get("LastModified") or info.get("mtime") or info.get("updated")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    return round(moment * 1e6) * 1000 if isinstance(moment, int | float) else None
