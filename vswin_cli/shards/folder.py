"""The folder of a large run: a file per shard, on a disk or in a store.

Next to the shards are `_settings.json`, written when the run begins; `_SUCCESS.json`, written when
every shard is done; `_reports/` with the counts of each shard; and `_unfinished/` with records of
unfinished shards. Readers of tables skip names that begin with an underscore.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

from vswin_cli.errors import OutputError
from vswin_cli.shards.report import ShardReport
from vswin_cli.sources.addresses import (
    AddressError,
    as_address_error,
    file_system,
    is_address,
    local_path,
    without_credentials,
)
from vswin_cli.system.files import replacing

SETTINGS, SUCCESS = "_settings.json", "_SUCCESS.json"
_UNFINISHED, _REPORTS = "_unfinished", "_reports"
_TRIES = 4  # per request
_PAUSE_SECONDS = 1.0  # before the second try; then twice as long each
_AT_ONCE = {
    "s3",
    "s3a",
    "gs",
    "gcs",
    "abfs",
    "az",
    "memory",
}  # files are complete or absent

_T = TypeVar("_T")


def report_name(shard: str) -> str:
    """Name the file with the counts of a shard."""
    return f"{_REPORTS}/{shard}.json"


class ShardFolder:
    """A folder of shards; it can be sent to other processes.

    Args:
        place: A path, or an address of any kind that fsspec knows.
        extension: Extension of the shards.
    """

    def __init__(self, place: str, extension: str) -> None:
        self.name = without_credentials(place.rstrip("/") or place)
        path = local_path(place)
        # Absolute, because workers have other current folders.
        self.place = place.rstrip("/") if path is None else os.path.abspath(path)  # noqa: PTH100
        self.extension = extension

    def make(self) -> None:
        """Create the folder if it is on a disk.

        Raises:
            OutputError: It cannot be created.
        """
        if not is_address(self.place):
            try:
                for inner in (_UNFINISHED, _REPORTS):
                    Path(self.place, inner).mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise OutputError(
                    f"cannot make the folder {self.place}: {exc.strerror}; choose another --output"
                ) from exc

    def shards(self) -> set[str]:
        """List the names of the finished shards, without extension.

        Raises:
            OutputError: The folder cannot be listed.
        """
        names = self._listed("")
        end = len(self.extension)
        return {n[:-end] for n in names if n.startswith("part-") and n.endswith(self.extension)}

    def reported(self) -> set[str]:
        """List the names of the shards with a file of counts.

        Raises:
            OutputError: As for `shards`.
        """
        return {name.removesuffix(".json") for name in self._listed(_REPORTS)}

    def report(self, name: str) -> ShardReport | None:
        """Read the counts of a shard; None if there are none.

        Raises:
            OutputError: They cannot be read.
        """
        with TemporaryDirectory(prefix="vswin-") as scratch:
            return ShardReport.parsed(name, self.read_json(report_name(name), Path(scratch)))

    def put_report(self, report: ShardReport, scratch: Path) -> None:
        """Write the counts of a shard; call it before writing the shard itself.

        Raises:
            OutputError: They cannot be written.
        """
        self.write_json(report_name(report.name), report.to_dict(), scratch)

    def put(self, name: str, file: Path) -> None:
        """Copy a file into the folder; it gets its name when it is complete.

        Raises:
            OutputError: It cannot be written.
        """
        if not is_address(self.place):
            # A unique name, because a machine that was given up may write the same file.
            temporary = Path(self.place, _UNFINISHED, f".{uuid4().hex}.tmp")
            try:
                with replacing(Path(self.place, name), temporary=temporary) as copied:
                    copied.write_bytes(file.read_bytes())
            except OSError as exc:
                raise OutputError(
                    f"cannot write {self.place}/{name}: {exc.strerror}; free some space and run "
                    "again"
                ) from exc
            return

        def upload() -> None:
            system, root = file_system(self.place)
            protocol = self.place.partition("://")[0].lower()
            if protocol in _AT_ONCE:
                system.put_file(str(file), f"{root}/{name}")
                return
            temporary = f"{root}/{_UNFINISHED}/.{uuid4().hex}.tmp"
            system.makedirs(f"{root}/{_UNFINISHED}", exist_ok=True)
            system.put_file(str(file), temporary)
            system.mv(temporary, f"{root}/{name}")

        self._tried("write", name, upload)

    def get(self, name: str, file: Path) -> bool:
        """Copy a file from the folder; return whether it exists.

        Raises:
            OutputError: It cannot be read.
        """
        if not is_address(self.place):
            try:
                file.write_bytes(Path(self.place, name).read_bytes())
            except FileNotFoundError:
                return False
            except OSError as exc:
                raise OutputError(f"cannot read {self.place}/{name}: {exc.strerror}") from exc
            return True

        def download() -> bool:
            system, root = file_system(self.place)
            try:
                system.get_file(f"{root}/{name}", str(file))
            except FileNotFoundError:
                file.unlink(missing_ok=True)
                return False
            return True

        return self._tried("read", name, download)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, which need not exist.

        Raises:
            OutputError: They cannot be removed.
        """
        for name in names:
            if not is_address(self.place):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.place}/{name}")  # noqa: PTH108
                continue

            def remove(name: str = name) -> None:
                system, root = file_system(self.place)
                with contextlib.suppress(FileNotFoundError):
                    system.rm_file(f"{root}/{name}")

            self._tried("remove", name, remove)

    def unfinished(self, name: str) -> str:
        """Name the place of a file of an unfinished shard."""
        return f"{_UNFINISHED}/{name}"

    def clear_unfinished(self) -> None:
        """Remove the kept records of shards that are finished now."""
        names = self._listed(_UNFINISHED)
        self.remove(f"{_UNFINISHED}/{name}" for name in names)

    def read_json(self, name: str, folder: Path) -> Any:  # noqa: ANN401 - JSON
        """Read a small JSON file through a local folder; None if it is missing or not JSON."""
        copy = folder / "read.json"
        if not self.get(name, copy):
            return None
        try:
            return json.loads(copy.read_bytes())
        except (ValueError, RecursionError):
            return None

    def write_json(self, name: str, content: dict[str, Any], folder: Path) -> None:
        """Write a small JSON file through a local folder.

        Raises:
            OutputError: It cannot be written.
        """
        copy = folder / "write.json"
        copy.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
        self.put(name, copy)

    def _listed(self, below: str) -> list[str]:
        if not is_address(self.place):
            try:
                return [path.name for path in Path(self.place, below).iterdir()]
            except FileNotFoundError:
                return []
            except OSError as exc:
                raise OutputError(f"cannot list {self.place}: {exc.strerror}") from exc

        def listed() -> list[str]:
            system, root = file_system(self.place)
            system.invalidate_cache()
            try:
                paths = system.ls(f"{root}/{below}".rstrip("/"), detail=False)
            except FileNotFoundError:
                return []
            return [str(path).rstrip("/").rpartition("/")[2] for path in paths]

        return self._tried("list", below, listed)

    def _tried(self, what: str, name: str, request: Callable[[], _T]) -> _T:
        """Make a request, and repeat it if the store fails.

        Raises:
            OutputError: The request fails each time, or permanently.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                return request()
            except Exception as exc:  # clients raise errors of any kind
                told = exc if isinstance(exc, AddressError) else as_address_error(exc)
                if attempt == _TRIES or told.kind != "unreachable":
                    where = f"{self.name}/{name}".rstrip("/")
                    raise OutputError(f"cannot {what} {where}: {told}") from None
                time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        raise AssertionError
