"""Files at addresses, `scheme://…` of any kind that fsspec knows, whose secrets are never shown."""

import errno
import io
import re
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from vswin_cli.system.extras import pip_command
from vswin_cli.system.platform import path_in_address

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SCHEME = re.compile(r"(?:(?<=::)|^)[A-Za-z][A-Za-z0-9+.-]*(?=://)")  # for each link of a chain
_STARTS = re.compile(r"(?<=[\s,;|\"'])(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)  # of addresses
_BLOCKS = {  # one request each, kept in memory
    "block_size": 1 << 20,
    "cache_type": "blockcache",
    "cache_options": {"maxblocks": 64},
}
_TRIES = 4  # tries per block, with pauses of 1, 2 and 4 seconds
_CHANGED = 412  # the status if a file has changed since it was opened
_WEB = {"client_kwargs": {"trust_env": True}}  # uses proxies and ~/.netrc, as downloads do
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}  # protocols with an extra of vswin


class AddressError(Exception):
    """An address cannot be read.

    Args:
        reason: What happened and what to do; no text of a client, which may contain secrets.
        kind: `missing`, `permission`, `unreachable` or `unreadable`.
    """

    def __init__(self, reason: str, kind: str = "unreadable") -> None:
        super().__init__(reason)
        self.kind = kind


def is_address(name: str) -> bool:
    """Whether a name is an address, not a path."""
    return _ADDRESS.match(name) is not None


def local_path(name: str) -> str | None:
    """Return the path that a name or a `file:` address means; None for other addresses."""
    if not is_address(name):
        return name
    if name.partition("://")[0].lower() != "file":
        return None
    return path_in_address(unquote(urlsplit(name).path, errors="surrogateescape"))


def without_credentials(address: str) -> str:
    """Remove user, password, query and fragment of an address, which may contain secrets.

    A path is returned unchanged.
    """
    if not any(mark in address for mark in "@?#") or not is_address(address):
        return address
    parts = []
    for part in address.split("::"):  # fsspec's chains: zip://clip.mp4::https://host/a.zip
        scheme, separator, rest = part.partition("://")
        rest = re.sub(r"^[^/@]*:(?!\d+/)[^@]*@", "", rest)  # a secret may contain /, ? and #
        rest = re.sub(r"[?#].*", "?…" if "?" in rest else "", rest, flags=re.DOTALL)
        host, slash, path = rest.partition("/")
        parts.append(f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}")
    return "::".join(parts)


def told_without_credentials(text: str) -> str:
    """Apply `without_credentials` to all addresses in a text."""
    return "".join(
        part[: match.start()] + without_credentials(part[match.start() :]) if match else part
        for part in _STARTS.split(text)
        for match in [_ADDRESS.search(part)]
    )


class RemoteFile(io.RawIOBase):
    """A file at an address, read by ranges if the server supports them.

    Raises:
        AddressError: It does not exist, may not be read, or the connection breaks permanently.
    """

    def __init__(self, address: str) -> None:
        self._file: Any = None
        try:
            self._system, path = file_system(address)
            self._file = self._system.open(path, "rb", **_BLOCKS)
        except AddressError:
            raise
        except Exception as exc:
            raise as_address_error(exc) from None

    def readable(self) -> bool:
        """Whether it can be read; always True."""
        return True

    def seekable(self) -> bool:
        """Whether the server supports ranges."""
        return bool(self._file.seekable()) and getattr(self._file, "size", 0) is not None

    def tell(self) -> int:
        """See `io.IOBase`."""
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`."""
        self._file.seek(offset, whence)
        return self.tell()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the base class
        """Read, and try again if the connection breaks."""
        start = self._file.tell()
        for attempt in range(1, _TRIES + 1):
            try:
                content = self._file.read(len(buffer))
            except Exception as exc:
                told = as_address_error(exc)
                if told.kind != "unreachable" or attempt == _TRIES or not self.seekable():
                    raise told from None
                time.sleep(2 ** (attempt - 1))
                self._file.seek(start)
            else:
                break
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """See `io.IOBase`."""
        if not self.closed and self._file is not None:
            self._file.close()
        super().close()


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system and path of an address; files stay open while it is referenced.

    Raises:
        AddressError: fsspec does not know the scheme, or its client is missing.
    """
    import fsspec  # noqa: PLC0415 - only needed for addresses

    address = _SCHEME.sub(lambda scheme: scheme[0].lower(), address)
    schemes = {*_SCHEME.findall(address)}
    for unknown in schemes - {*fsspec.available_protocols()}:
        raise AddressError(f"fsspec does not support {unknown}:// addresses; check the address")
    options = dict.fromkeys(schemes & {"http", "https"}, _WEB)
    try:
        system, path = fsspec.core.url_to_fs(address, **options)
    except ImportError as exc:
        protocol = address.rpartition("::")[2].partition("://")[0]
        extra = _EXTRAS.get(protocol)
        advice = f"run `{pip_command(extra)}`" if extra else "install its client for fsspec"
        raise AddressError(f"{protocol}:// needs a client that is missing; {advice}") from exc
    return system, path


def as_address_error(error: Exception) -> AddressError:
    """Translate an error of a store's client into words without secrets."""
    status = _status(error) or _status(error.__cause__)
    if isinstance(error, PermissionError) or status in (401, 403):
        return AddressError("access is denied; check your credentials", "permission")
    cause = error.__cause__ or error  # the cause of a FileNotFoundError that can mean any failure
    if status in (404, 410) or isinstance(cause, FileNotFoundError):
        return AddressError("nothing exists at this address; check it", "missing")
    if status == _CHANGED or getattr(cause, "errno", None) == errno.EBUSY:  # the latter by s3fs
        return AddressError("it changed while it was read; run again", "unreachable")
    if status:
        what = f"its server answers {status}"
    elif isinstance(cause, TimeoutError):
        what = "its server does not answer in time"
    elif isinstance(cause, OSError):  # also aiohttp
        what = "its server cannot be reached"
    else:
        what = f"its client fails ({type(cause).__name__})"
    return AddressError(f"{what}; check the address and the connection", "unreachable")


def _status(error: BaseException | None) -> int | None:
    """Return the status code of the server from errors of HTTP and S3 clients."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    status = getattr(error, "status", None) or metadata.get("HTTPStatusCode")
    return status if isinstance(status, int) else None
